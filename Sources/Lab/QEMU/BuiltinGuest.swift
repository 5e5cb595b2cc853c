import FoundationEssentials
import Topology

/// The tiny Linux that ships with Apus: where it is, and how it is told its name and addresses.
package struct BuiltinGuest: Sendable, Equatable {
  /// Bytes of the longest kernel command line (x86 `COMMAND_LINE_SIZE`, less the final zero).
  package static let commandLineLimit = 2047

  var kernel: String
  var initialRAMDisk: String

  /// What a kernel with nothing to protect need not do at its start: a quarter of the time under an emulated processor.
  ///
  /// Tests of its ciphers, moving itself to a random place, patching itself against leaks between its processes,
  /// comparing its clocks.
  private static let fastBoot = ["cryptomgr.notests", "nokaslr", "mitigations=off", "no_timer_check", "tsc=reliable"]

  /// Looks in `$APUS_GUEST_DIR`, beside the executable, and where packages install it.
  static func find(environment: [String: String]) throws(UserError) -> BuiltinGuest {
    let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return try find(in: folders(environment: environment, executable: executable))
  }

  static func folders(environment: [String: String], executable: String) -> [String] {
    // A folder that was asked for is not silently replaced by another.
    if let chosen = environment["APUS_GUEST_DIR"], !chosen.isEmpty { return [chosen] }
    let beside = executable.split(separator: "/").dropLast().map { "/\($0)" }.joined()
    return ["\(beside)/guest", "/usr/lib/apus/guest", "/usr/local/lib/apus/guest"]
  }

  static func find(in folders: [String]) throws(UserError) -> BuiltinGuest {
    for folder in folders {
      let guest = BuiltinGuest(kernel: "\(folder)/vmlinuz", initialRAMDisk: "\(folder)/initramfs.gz")
      if Files.exists(guest.kernel), Files.exists(guest.initialRAMDisk) { return guest }
    }
    throw UserError(
      .failed, "the builtin guest (vmlinuz, initramfs.gz) is in none of \(folders.joined(separator: ", "))",
      hint: "run tools/setup, or set APUS_GUEST_DIR")
  }

  /// What the guest's init reads: names, NICs by MAC address, addresses and routes of the node.
  static func commandLine(for node: NodeDefinition) throws(UserError) -> String {
    let line = unboundedLine(for: node)
    guard line.utf8.count <= commandLineLimit else {
      throw UserError(
        .badInput,
        "node \(node.name): its NICs, addresses and routes need \(line.utf8.count) bytes of kernel command line; "
          + "at most \(commandLineLimit) fit", hint: "give the node fewer NICs or addresses")
    }
    return line
  }

  /// Bytes of that line, whether they fit or not.
  package static func commandLineSize(for node: NodeDefinition) -> Int { unboundedLine(for: node).utf8.count }

  private static func unboundedLine(for node: NodeDefinition) -> String {
    let words = ["console=ttyS0", "quiet"] + fastBoot + ["apus.name=\(node.name)"] + networkWords(of: node)
    return words.joined(separator: " ")
  }

  /// The words about a node's NICs, as its init or `/etc/network` reads them.
  static func networkWords(of node: NodeDefinition) -> [String] {
    var words: [String] = []
    for nic in node.nics {
      words.append("apus.nic=\(nic.name),\(nic.mac),mtu=\(nic.mtu ?? 1500)")
    }
    for nic in node.nics {
      for address in nic.addresses {
        if let vlan = address.vlan {
          words.append("apus.vlanaddr=\(nic.name),\(vlan),\(address.address)")
        } else {
          words.append("apus.addr=\(nic.name),\(address.address)")
        }
      }
    }
    for nic in node.nics {
      if let gateway = nic.gateway { words.append("apus.route=default,\(gateway)") }
      words += nic.routes.map { "apus.route=\($0.to),\($0.via)" }
    }
    return words
  }
}
