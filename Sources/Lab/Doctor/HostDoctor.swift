import FoundationEssentials
import LinuxHost
import Topology

/// One thing that `doctor` looked at.
package struct DoctorFinding: Sendable, Equatable {
  package enum State: String, Sendable { case ok, warning, missing, leftover, removed }
  package var state: State
  package var subject: String
  package var detail: String
  /// What to do about it.
  package var advice: String?
}

/// Looks whether labs can run on this host, and for what dead ones have left.
package struct HostDoctor: Sendable {
  let directories: LabDirectories
  let variables: [String: String]

  package init(directories: LabDirectories, environment: [String: String] = ProcessInfo.processInfo.environment) {
    self.directories = directories
    variables = environment
  }

  /// What this host has and lacks.
  package func checks() async -> [DoctorFinding] {
    var findings = [user(), tun(), kvm(), await qemu(), guest(.cloud), guest(.full), memory()]
    findings.append(program("busybox", package: "busybox-static", for: "tests of kinds tcp and arp in namespaces"))
    findings.append(program("nc.openbsd", package: "netcat-openbsd", for: "tests of kind udp, no `ready: tcp`"))
    findings.append(program("qemu-img", package: "qemu-utils", for: "machines from images"))
    findings.append(program("genisoimage", package: "genisoimage", for: "cloud-init"))
    return findings + [podman()] + needs()
  }

  /// What only some labs need.
  private func needs() -> [DoctorFinding] {
    HostNeed.allCases.filter { $0 != .webServer }.map { need in
      let (subject, purpose): (String, String) =
        switch need {
        case .uefi: ("OVMF", "`firmware: uefi`")
        case .bootROM: ("iPXE", "starts from the network under a BIOS")
        case .dhcpServer, .webServer: ("dnsmasq", "`dhcp` of VLANs")
        }
      guard let package = HostNeeds.missingPackage(of: need, variables) else {
        return DoctorFinding(state: .ok, subject: subject, detail: "there")
      }
      return DoctorFinding(
        state: .missing, subject: subject, detail: "not there: no \(purpose)", advice: "`apt-get install \(package)`")
    }
  }

  /// What is left of labs whose daemon is gone, and daemons that nobody reaches.
  /// - Parameter presence: of a lab's daemon.
  package func leftovers(presence: (String) async -> DaemonPresence) async -> [DoctorFinding] {
    var findings: [DoctorFinding] = []
    for lab in directories.runningLabs() {
      switch await presence(lab) {
      case .answers: break
      case .isSilent: findings.append(Self.silence(of: lab))
      case .isAbsent: findings += [remains(of: lab)] + processes(of: lab)
      }
    }
    findings += strangers()
    let lost = await LabDaemon.lost(in: directories)
    for daemon in lost {
      findings.append(
        DoctorFinding(
          state: .leftover, subject: "process \(daemon.pid)",
          detail: "daemon of lab \(daemon.lab), whose folder \(directories.state(daemon.lab)) was removed",
          advice: "`apus down \(daemon.lab)` or `apus doctor --clean` ends it and removes the lab"))
    }
    for lab in forgotten() where !lost.contains(where: { $0.lab == lab }) {
      findings.append(
        DoctorFinding(
          state: .leftover, subject: "files of lab \(lab)",
          detail: "the lab is gone, as after a reboot; "
            + (Files.exists(directories.data(lab)) ? directories.data(lab) : directories.memory(lab)),
          advice: "`apus down \(lab)` removes them"))
    }
    for orphan in await orphans(presence) where !lost.contains(where: { $0.lab == orphan.lab }) {
      findings.append(
        DoctorFinding(
          state: .leftover, subject: "process \(orphan.process.pid)",
          detail: "QEMU of \(orphan.name), which no lab knows",
          advice: "`apus down \(orphan.lab)` or `apus doctor --clean` ends it"))
    }
    return findings + (await orphanContainers(presence)).map(\.finding)
  }

  private func remains(of lab: String) -> DoctorFinding {
    let folder = directories.state(lab)
    guard FolderMark.lab(lab).isOn(lab, under: directories.stateRoot) else {
      return DoctorFinding(
        state: .warning, subject: "lab \(lab)", detail: "\(folder) looks like a lab's and has no mark of one",
        advice: LabFolders.adoption(of: lab, in: directories).map {
          "if an earlier Apus made it: \($0), then `apus down \(lab)`"
        })
    }
    return DoctorFinding(
      state: .leftover, subject: "lab \(lab)", detail: "its daemon is gone; \(folder)",
      advice: "`apus up` with its file takes it back, `apus down \(lab)` removes it")
  }

  /// What runs in the namespaces of a lab that has no daemon.
  private func processes(of lab: String) -> [DoctorFinding] {
    let environment = NodeEnvironment(lab: lab, directories: directories, variables: variables)
    // What runs in a container that is attached to is somebody else's.
    return namespaces(of: lab, environment, { $0.container?.attach == nil }).flatMap { namespace in
      NetworkNamespace.processes(in: namespace).map { process in
        DoctorFinding(
          state: .leftover, subject: "process \(process.identity.pid)",
          detail: "\(ShownText.line(process.program)) in namespace \(namespace) of lab \(lab)",
          advice: "`apus down \(lab)` ends it")
      }
    }
  }

  private func namespaces(
    of lab: String, _ environment: NodeEnvironment, _ isMeant: (NodeDefinition) -> Bool = { _ in true }
  ) -> [String] {
    let nodes = RecordedLab.read(lab, in: directories)?.nodes ?? []
    return nodes.filter { $0.traits.hasOurInterfaces && !$0.traits.isOnHost && isMeant($0) }.map {
      NetnsNode($0, environment).namespace
    }
  }

  /// Namespaces with names such as ours that no lab in these folders knows: those of other folders, or of a lab whose
  /// files were removed by hand.
  private func strangers() -> [DoctorFinding] {
    let known = Set(
      directories.runningLabs().flatMap { lab in
        namespaces(of: lab, NodeEnvironment(lab: lab, directories: directories, variables: variables))
      })
    // A probe of `ready` is there for as long as it asks.
    let names = NetworkNamespace.names().filter {
      $0.hasPrefix("apus-") && !$0.hasSuffix(".probe") && !known.contains($0)
    }
    return names.map { name in
      let count = NetworkNamespace.processes(in: name).count
      return DoctorFinding(
        state: .warning, subject: "namespace \(ShownText.line(name))",
        detail: "no lab in \(directories.stateRoot) has it; \(count == 1 ? "1 process" : "\(count) processes") in it",
        advice: "if it is not in use: `ip netns delete \(name)`"
          + (count == 0 ? "" : "; its processes may be those of a container"))
    }
  }

  private static func silence(of lab: String) -> DoctorFinding {
    DoctorFinding(
      state: .warning, subject: "lab \(lab)", detail: "its daemon does not answer",
      advice: "was it stopped? `kill -CONT` lets it go on; `apus down \(lab)` ends it and removes the lab")
  }

  /// Removes what `leftovers` finds; a daemon that is there and silent may only have been stopped, and stays.
  /// - Throws: `UserError` for the first thing that could not be removed, after everything else has been.
  package func clean(presence: (String) async -> DaemonPresence) async throws -> [DoctorFinding] {
    var findings: [DoctorFinding] = []
    var failure: (any Error)?
    var labs: [String] = []
    for daemon in await LabDaemon.lost(in: directories) {
      // It would take down what another daemon, which serves the lab now, has made since.
      if await presence(daemon.lab) == .isAbsent {
        labs.append(daemon.lab)
      } else if await daemon.kill() {
        findings.append(
          DoctorFinding(
            state: .removed, subject: "process \(daemon.pid)", detail: "former daemon of lab \(daemon.lab) ended"))
      } else {
        failure = failure ?? UserError(.failed, "process \(daemon.pid), former daemon of \(daemon.lab), does not end")
      }
    }
    for lab in forgotten() where !labs.contains(lab) {
      // One that is coming up has files before anything else.
      if await presence(lab) == .isAbsent { labs.append(lab) }
    }
    for lab in directories.runningLabs() where await presence(lab) == .isAbsent { labs.append(lab) }
    for lab in labs {
      do {
        let report = try await LabCleanup.remove(lab: lab, directories: directories)
        findings += report.removed.map { DoctorFinding(state: .removed, subject: "lab \(lab)", detail: $0) }
        findings += report.left.map {
          DoctorFinding(state: .warning, subject: "lab \(lab)", detail: "left: \($0)", advice: "it is not the lab's")
        }
      } catch {
        failure = failure ?? error
      }
    }
    for orphan in await orphans(presence) {
      guard await orphan.end() else {
        failure = failure ?? UserError(.failed, "process \(orphan.process.pid), QEMU of \(orphan.name), does not end")
        continue
      }
      findings.append(
        DoctorFinding(
          state: .removed, subject: "process \(orphan.process.pid)", detail: "QEMU of \(orphan.name) ended"))
    }
    findings += try await removeContainers(presence, after: failure)
    return findings
  }

  /// - Parameter failure: what could not be removed before.
  private func removeContainers(
    _ presence: (String) async -> DaemonPresence, after failure: (any Error)?
  ) async throws -> [DoctorFinding] {
    var failure = failure
    var findings: [DoctorFinding] = []
    for orphan in await orphanContainers(presence) {
      do {
        try await orphan.end()
        findings.append(DoctorFinding(state: .removed, subject: "container \(orphan.name)", detail: "removed"))
      } catch {
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
    return findings
  }

  /// Labs of which only files are left, and not the disks that were to persist alone.
  private func forgotten() -> [String] {
    let known = Set(directories.runningLabs())
    // Its machines' memory may be all that is left of a lab.
    let memory = LabFolders.findMemory(in: directories).flatMap { try? $0.root.names() } ?? []
    let names = Set(HostFacts.entries(of: directories.dataRoot) + memory).sorted()
    return names.filter {
      Names.validLab($0) && !known.contains($0) && LabFiles.areThere($0, in: directories)
    }
  }

  // MARK: - Checks

  private func user() -> DoctorFinding {
    if HostFacts.isRoot { return DoctorFinding(state: .ok, subject: "user", detail: "root: all kinds of nodes") }
    let kinds = NodeKind.words("and") { !$0.hasOurInterfaces }
    return DoctorFinding(
      state: .warning, subject: "user", detail: "not root: nodes of kinds \(kinds) only", advice: "use sudo")
  }

  private func tun() -> DoctorFinding {
    if HostFacts.exists("/dev/net/tun") { return DoctorFinding(state: .ok, subject: "/dev/net/tun", detail: "there") }
    let kinds = NodeKind.words("or", where: \.makesInterfaces)
    return DoctorFinding(
      state: .missing, subject: "/dev/net/tun", detail: "not there: no \(kinds) nodes",
      advice: "`modprobe tun`; in a container, pass the device in")
  }

  private func kvm() -> DoctorFinding {
    switch (HostFacts.cpuHasVirtualization, HostFacts.hasKVM) {
    case (true, true): return DoctorFinding(state: .ok, subject: "KVM", detail: "machines run in hardware")
    case (true, false):
      return DoctorFinding(
        state: .warning, subject: "KVM", detail: "the processor can, but /dev/kvm does not open: machines are emulated",
        advice: "`modprobe kvm_amd` or `kvm_intel`; be in group kvm")
    case (false, _):
      return DoctorFinding(
        state: .warning, subject: "KVM", detail: "the processor offers no virtualization: machines are emulated")
    }
  }

  private func qemu() async -> DoctorFinding {
    let name = "qemu-system-x86_64"
    let finding = program(name, package: "qemu-system-x86", for: "nodes of kind vm")
    guard finding.state == .ok, let path = Executables.find(name, variables) else { return finding }
    var text: [UInt8] = []
    if let events = try? HostCommand.start(CommandRequest([path, "--version"]), namespace: nil, variables).events {
      do {
        for try await event in events { if case .output(let bytes) = event { text += bytes } }
      } catch {
        return finding
      }
    }
    let line = String(decoding: text, as: UTF8.self).split(separator: "\n").first.map { String($0) }
    return DoctorFinding(state: .ok, subject: name, detail: line ?? path)
  }

  private func guest(_ kernel: BuiltinGuest.Kernel) -> DoctorFinding {
    let subject = kernel == .full ? "builtin guest, all drivers" : "builtin guest"
    do {
      return DoctorFinding(
        state: .ok, subject: subject, detail: try BuiltinGuest.find(kernel, environment: variables).kernel)
    } catch {
      // Only who has machines with emulated NICs needs the whole kernel, which is a package of its own.
      let state: DoctorFinding.State = kernel == .full ? .warning : .missing
      return DoctorFinding(state: state, subject: subject, detail: error.message, advice: error.hint)
    }
  }

  private func memory() -> DoctorFinding {
    let available = (HostFacts.memoryAvailable ?? 0) >> 20
    let isEnough = available >= 512
    return DoctorFinding(
      state: isEnough ? .ok : .warning, subject: "memory", detail: "\(available) MiB available",
      advice: isEnough ? nil : "a builtin machine takes 128 MiB")
  }

  private func program(_ name: String, package: String, for purpose: String) -> DoctorFinding {
    if let path = Executables.find(name, variables) {
      return DoctorFinding(state: .ok, subject: name, detail: path)
    }
    return DoctorFinding(
      state: .missing, subject: name, detail: "not there: no \(purpose)", advice: "`apt-get install \(package)`")
  }

  /// Only who has containers needs it.
  private func podman() -> DoctorFinding {
    var finding = program("podman", package: "podman", for: "nodes of kind container")
    if finding.state == .missing { finding.state = .warning }
    return finding
  }

  private func orphanContainers(_ presence: (String) async -> DaemonPresence) async -> [OrphanContainer] {
    var found: [OrphanContainer] = []
    for orphan in await OrphanContainer.find(in: directories, variables) where await presence(orphan.lab) == .isAbsent {
      found.append(orphan)
    }
    return found
  }

  /// Machines that no lab has written down; what a living daemon has started is its own affair.
  private func orphans(_ presence: (String) async -> DaemonPresence) async -> [OrphanMachine] {
    var found: [OrphanMachine] = []
    for orphan in OrphanMachine.find(in: directories) where await presence(orphan.lab) == .isAbsent {
      found.append(orphan)
    }
    return found
  }
}
