/// What rules look at: the file as written, the lab it means, and the host.
struct RuleSubject {
  let draft: LabDraft
  /// Nodes and NICs have the draft's indices.
  let lab: CanonicalLab
  let facts: any LabFacts
  let reporter: Reporter
  let vlans: VLANTable
  let images: ImageTable

  /// A NIC in the file and in the lab.
  struct NIC {
    var node: String
    var kind: NodeKind
    /// Its node is one of several that a range stands for.
    var isInRange: Bool
    var draft: NICDraft
    var definition: NICDefinition

    /// As messages name it, `vm1:eth0`.
    var name: String { PortName.end(node: node, nic: definition.name) }
  }

  /// Every NIC in file order.
  let nics: [NIC]

  init(
    draft: LabDraft, lab: CanonicalLab, facts: any LabFacts, reporter: Reporter, vlans: VLANTable, images: ImageTable
  ) {
    self.draft = draft
    self.lab = lab
    self.facts = facts
    self.reporter = reporter
    self.vlans = vlans
    self.images = images
    nics = zip(draft.nodes, lab.nodes).flatMap { nodeDraft, node in
      zip(nodeDraft.nics, node.nics).map {
        NIC(node: node.name, kind: node.traits, isInRange: nodeDraft.range != nil, draft: $0, definition: $1)
      }
    }
  }
}

/// A check over the whole lab.
///
/// To add one, write a function in `Rules/`, list it here, describe it in docs/lab-file.md.
struct Rule: Sendable {
  /// The codes it can report.
  let codes: [DiagnosticCode]
  let check: @Sendable (RuleSubject) -> Void

  /// All rules; the order does not matter, since findings are sorted by position.
  static let all: [Rule] = [
    Rule(codes: [.collision], check: nameCollisions),
    Rule(codes: [.vlanDefinition], check: duplicateVLANs),
    Rule(codes: [.loop], check: switchLoops),
    Rule(codes: [.address], check: duplicateMACs),
    Rule(codes: [.address], check: duplicateAddresses),
    Rule(codes: [.address], check: addressesOutsideSubnets),
    Rule(codes: [.gateway], check: gateways),
    Rule(codes: [.gateway, .withoutEffect], check: twoRoutes),
    Rule(codes: [.mtu], check: unequalMTUs),
    Rule(codes: [.mtu], check: smallMTUs),
    Rule(codes: [.mtu], check: modelMTUs),
    Rule(codes: [.contradiction, .withoutEffect], check: modelKeys),
    Rule(codes: [.interfaceName], check: tapNames),
    Rule(codes: [.interfaceName, .hostInterface], check: vlanInterfaces),
    Rule(codes: [.range], check: builtinMemory),
    Rule(codes: [.limit], check: machineNICs),
    Rule(codes: [.limit], check: guestCommandLines),
    Rule(codes: [.fileMissing, .imageFormat, .imageSum], check: images),
    Rule(codes: [.appliance], check: unpluggedNetworks),
    Rule(codes: [.fileMissing, .withoutEffect], check: cloudInit),
    Rule(codes: [.contradiction], check: foreignSetups),
    Rule(codes: [.contradiction], check: mountedFiles),
    Rule(codes: [.fileMissing], check: setupFiles),
    Rule(codes: [.withoutEffect], check: diskless),
    Rule(codes: [.contradiction, .hostProgram], check: bootSources),
    Rule(codes: [.dhcp, .unaware, .collision, .exhausted, .address, .gateway], check: dhcpServers),
    Rule(codes: [.fileMissing, .dhcp, .hostProgram], check: bootFiles),
    Rule(codes: [.ready], check: readyAddresses),
    Rule(codes: [.unknownName, .withoutEffect], check: accessNames),
    Rule(codes: [.access], check: addressLocks),
    Rule(codes: [.withoutEffect], check: rulesOfWires),
    Rule(codes: [.unknownName, .withoutEffect, .startCycle], check: startOrder),
    Rule(codes: [.containerEngine, .usedTwice], check: containers),
    Rule(codes: [.hostInterface], check: hostInterfaces),
    Rule(codes: [.hostInterface], check: takenInterfaces),
    Rule(codes: [.socketPath, .usedTwice], check: socketPaths),
    Rule(codes: [.socketPath, .fileMissing], check: socketFiles),
    Rule(codes: [.account], check: socketOwners),
    Rule(codes: [.resources], check: workerCount),
    Rule(codes: [.workers], check: workerProcessors),
    Rule(codes: [.captureFilter], check: captureFilters),
    Rule(codes: [.fileMissing, .limit], check: captureFiles),
    Rule(codes: [.fileMissing], check: tokenFile),
    Rule(codes: [.resources], check: wholeMemory),
    Rule(codes: [.resources], check: memory),
    Rule(codes: [.withoutKVM], check: withoutKVM),
  ]
}
