extension Rule {
  /// L320: a NIC of an appliance that leads nowhere, since nothing says what its network is here.
  static func unpluggedNetworks(_ subject: RuleSubject) {
    for node in subject.draft.nodes {
      guard let appliance = node.appliance else { continue }
      for (nic, hardware) in zip(node.nics, appliance.machine.nics) {
        guard case .none = nic.attachment, nic.takenAt == nil, nic.switchName == nil else { continue }
        // Named in the file and left without a cable: so it is meant.
        guard nic.name.span == appliance.span else { continue }
        let network = hardware.network ?? ""
        let remedy =
          network.isEmpty
          ? "nics: { \(nic.name.value): { switch: ... } } plugs it in"
          : "networks: { \(network.quoted): { switch: ... } } plugs it in"
        let place = network.isEmpty ? "no network" : "network \(network.quoted)"
        subject.reporter.note(
          .appliance, appliance.span, "\(nic.name.value) of the appliance, on \(place), leads nowhere: \(remedy)")
      }
    }
  }
}
