/// The kernel command line of the built-in guest: what its kernel need not do, and what its init reads.
package enum GuestWords {
  /// Bytes of the longest kernel command line (x86 `COMMAND_LINE_SIZE`, less the final zero).
  package static let limit = 2047

  /// What a kernel with nothing to protect need not do at its start: a quarter of the time under an emulated processor.
  ///
  /// Tests of its ciphers, moving itself to a random place, patching itself against leaks between its processes,
  /// comparing its clocks.
  private static let fastBoot = ["cryptomgr.notests", "nokaslr", "mitigations=off", "no_timer_check", "tsc=reliable"]

  /// The whole line for a node, also one that is longer than `limit`.
  package static func commandLine(of node: NodeDefinition) -> String {
    let words = ["console=ttyS0", "quiet"] + fastBoot + ["apus.name=\(node.name)"] + words(for: node.networkSteps)
    return words.joined(separator: " ")
  }

  /// The steps as `tools/guest/setup-network` reads them: a word for each NIC and subinterface, with its addresses, and
  /// one for each route.
  ///
  /// What is usual is left unsaid, as there is little room: an MTU of 1500, a subinterface's name `parent.VLAN`.
  package static func words(for steps: [NetworkStep]) -> [String] {
    var words: [String] = []
    var places: [String: Int] = [:]
    for step in steps {
      switch step {
      case .link(let name, let mac, let mtu):
        places[name] = words.count
        words.append("apus.nic=\(name),\(mac)" + (mtu.map { $0 == 1500 ? "" : ",mtu=\($0)" } ?? ""))
      case .vlan(let name, let parent, let id):
        places[name] = words.count
        words.append("apus.vlan=\(parent),\(id)" + (name == "\(parent).\(id)" ? "" : ",name=\(name)"))
      case .address(let address, let link):
        if let place = places[link] { words[place] += ",\(address)" }
      case .route(let route):
        let metric = route.metric.map { ",metric=\($0)" } ?? ""
        let onLink = route.isOnLink ? ",onlink" : ""
        words.append("apus.route=\(route.destination),\(route.gateway),\(route.link)\(metric)\(onLink)")
      }
    }
    return words
  }
}
