extension Rule {
  /// L211: a machine that is to start from what it does not have.
  ///
  /// L315: firmware that this host lacks.
  static func bootSources(_ subject: RuleSubject) {
    var reported: Set<Span> = []
    for (draft, node) in zip(subject.draft.nodes, subject.lab.nodes) where node.traits.isMachine && node.disk != nil {
      guard let machine = draft.machine else { continue }
      let span = machine.boot?.span ?? draft.name.span
      let order = node.bootOrder
      if order.contains(.network), node.nics.isEmpty, machine.boot != nil || node.emptyDisk == nil {
        guard reported.insert(span).inserted else { continue }
        let message = "node \(node.name) starts from the network and has no NIC"
        subject.reporter.error(.contradiction, span, message, hint: "nics: { eth0: { switch: sw1 } }")
      }
      if order.contains(.disk), node.hasNoImage, node.emptyDisk == nil, reported.insert(span).inserted {
        let message = "node \(node.name) starts from a disk and has none"
        subject.reporter.error(.contradiction, span, message, hint: "give it one: disk: 4G")
      }
      if node.firmware == .uefi {
        lacks(.uefi, "\"firmware: uefi\"", at: machine.firmware?.span ?? span, subject, &reported)
      }
      if node.startsByROM {
        lacks(.bootROM, "to start from the network", at: span, subject, &reported)
      }
    }
  }

  /// Reports what this host lacks.
  private static func lacks(
    _ need: HostNeed, _ purpose: String, at span: Span, _ subject: RuleSubject, _ reported: inout Set<Span>
  ) {
    guard let package = subject.facts.missingPackage(of: need), reported.insert(span).inserted else { return }
    let message = "\(purpose) needs \(package), which is not installed"
    subject.reporter.error(.hostProgram, span, message, hint: "apt-get install \(package)")
  }

  /// L301: the folder or a file of a boot server that is not there.
  ///
  /// L225: a file that is not in the folder. L315: a server that this host lacks.
  static func bootFiles(_ subject: RuleSubject) {
    var reported: Set<Span> = []
    for vlan in subject.draft.vlans {
      guard let dhcp = vlan.dhcp else { continue }
      lacks(.dhcpServer, "\"dhcp\"", at: dhcp.span, subject, &reported)
      guard let boot = dhcp.boot else { continue }
      lacks(.webServer, "\"boot\"", at: boot.root.span, subject, &reported)
      let root = Paths.absolute(boot.root.value, in: subject.lab.directory)
      let kind = subject.facts.fileKind(root)
      guard kind ?? .folder == .folder, subject.facts.folderExists(root) else {
        let state = kind == nil ? "not found; looked in \(subject.lab.directory)" : "is no folder"
        subject.reporter.error(.fileMissing, boot.root.span, "root \(boot.root.value.quoted) \(state)")
        continue
      }
      for (key, name) in boot.files where !name.value.isWebAddress {
        let path = Paths.absolute(name.value, in: root)
        let isInside = !name.value.hasPrefix("/") && !name.value.split(separator: "/").contains("..")
        if !isInside {
          let message = "\(key) \(name.value.quoted) must lie in \"root\", \(root)"
          subject.reporter.error(.dhcp, name.span, message, hint: "name it as it is called in there")
        } else if !subject.facts.fileExists(path) {
          subject.reporter.error(.fileMissing, name.span, "\(key) \(name.value.quoted) not found; looked in \(root)")
        }
      }
    }
  }
}

extension NodeDefinition {
  /// Whether a machine starts from a NIC by the NIC's own ROM: a BIOS does; UEFI has a driver for virtio alone.
  package var startsByROM: Bool {
    bootOrder.contains(.network) && nics.contains { firmware == .bios || $0.model.isEmulated }
  }
}
