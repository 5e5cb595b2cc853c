/// Gives NICs in VLANs with a subnet their automatic addresses.
struct AddressPlan {
  private let subnets: [Int: Located<IPPrefix>]
  private let reporter: Reporter
  private let draft: LabDraft

  init(_ draft: LabDraft, reporter: Reporter) {
    self.draft = draft
    self.reporter = reporter
    subnets = Dictionary(
      draft.vlans.compactMap { vlan in vlan.subnet.map { (vlan.id.value, $0) } },
      uniquingKeysWith: { first, _ in first })
  }

  /// Each access port in a VLAN with a subnet, and without any address, gets the subnet's next host address.
  ///
  /// File order; addresses and gateways that the file names are left alone (L210 when none is left).
  func giveOut(_ lab: inout CanonicalLab) {
    let (declared, servers) = (draft.declaredAddresses, DHCPPlan(draft))
    var next = subnets.mapValues { $0.value.hosts.lowerBound }
    var exhausted: Set<Int> = []
    // The host's stack is kept off interfaces that are taken: no station is there.
    for node in lab.nodes.indices where !draft.nodes[node].traits.takesInterfaces {
      for nic in lab.nodes[node].nics.indices {
        guard case .switchPort(_, .access(let id)) = lab.nodes[node].nics[nic].attachment,
          let subnet = subnets[id]?.value, draft.nodes[node].nics[nic].addresses.isEmpty
        else { continue }
        guard let address = take(&next[id], subnet, { declared.contains($0) || servers.keeps($0, in: id) }) else {
          if exhausted.insert(id).inserted {
            let name = "\(lab.nodes[node].name):\(lab.nodes[node].nics[nic].name)"
            let message = "subnet \(subnet) has no address left for \(name)"
            let span = draft.nodes[node].nics[nic].takenAt ?? draft.nodes[node].nics[nic].name.span
            let notes = Diagnostic.Note.ifPlaced("the subnet is declared here", at: subnets[id]?.span)
            reporter.error(.exhausted, span, message, notes: notes)
          }
          continue
        }
        let prefix = IPPrefix(address: address, length: subnet.length)
        lab.nodes[node].nics[nic].addresses = [AddressDefinition(address: prefix.description)]
      }
    }
  }

  /// The next free host address from `next` on, which moves behind it.
  private func take(
    _ next: inout UInt128?, _ subnet: IPPrefix, _ isTaken: (IPAddress) -> Bool
  ) -> IPAddress? {
    let hosts = subnet.hosts
    while let value = next {
      guard hosts.contains(value) else { return nil }
      next = value == .max ? nil : value + 1
      let address = IPAddress(family: subnet.address.family, value: value)
      if !isTaken(address) { return address }
    }
    return nil
  }
}
