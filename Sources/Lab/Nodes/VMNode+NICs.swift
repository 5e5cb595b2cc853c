import Dataplane
import Logging
import Topology

/// NICs of a machine that runs: their carrier, plugging and unplugging.
extension VMNode {
  /// Seconds that a guest has to let go of a NIC.
  private static let unplugTimeout = 15.0

  func setCarrier(of nic: String, up: Bool) async throws(UserError) -> Bool {
    if up { downNICs.remove(nic) } else { downNICs.insert(nic) }
    holdCarriers()
    let isE1000e = definition.nics.contains { $0.name == nic && $0.model == .e1000e }
    if !up, isE1000e, definition.disk != nil {
      // With MSI-X (QEMU 7.2, Linux 6.1), which the built-in guest does without.
      let detail = "no frame passes, but a system that uses its MSI-X is not told"
      environment.logger.warning("\(definition.name): carrier of \(nic), an e1000e: \(detail)")
    }
    // A machine that does not run finds it so when it starts.
    guard life == .running, let monitor, !(up && heldNICs.contains(nic)) else { return true }
    do {
      try await monitor.execute(.setLink(device: NICDevice.id(nic), up: up))
    } catch {
      throw UserError(.failed, "node \(definition.name): cannot set the carrier of \(nic): \(error.message)")
    }
    return true
  }

  func setFarEnds(down nics: Set<String>) {
    guard nics != farDownNICs else { return }
    farDownNICs = nics
    holdCarriers()
  }

  /// NICs that lead nowhere, whose carrier was taken away, or whose wire has no other end.
  private var heldNICs: Set<String> {
    downNICs.union(farDownNICs).union(definition.nics.filter { $0.attachment == .none }.map(\.name))
  }

  /// Holds their carrier down.
  func holdCarriers() {
    monitor?.holdCarrierDown(devices: Set(heldNICs.map(NICDevice.id)))
  }

  func announce() async {
    if life == .running { monitor?.send(.announceSelf) }
  }

  func plug(_ nics: [NICDefinition]) async throws(UserError) {
    guard life == .running, let monitor, !nics.isEmpty else { return }
    guard await monitor.waitForCommandMode(seconds: Self.adoptionTimeout) else {
      throw UserError(.failed, "node \(definition.name): its machine's monitor does not answer")
    }
    for nic in nics {
      let socket = try socketPath(of: nic)
      do {
        for command in NICDevice(nic, socket: socket, .ofThisHost()).plugCommands { try await monitor.execute(command) }
      } catch {
        // Whatever of it was made goes again.
        for command in NICDevice.removeCommands(nic.name) { try? await monitor.execute(command) }
        throw UserError(
          .failed, "node \(definition.name): cannot plug in \(nic.name): \(error.message)",
          hint: "say `apus up --allow-restart` to start the machine again with it")
      }
    }
    if var known = record {
      known.plugged = (known.plugged ?? []) + nics.map(\.name)
      record = known
      try known.write(paths)
    }
    guard definition.disk == nil else { return }
    do throws(UserError) {
      try await configure(nics)
    } catch {
      // The machine is to be as it was, so that they can be plugged in again.
      try? await unplug(nics.map(\.name))
      throw error
    }
  }

  func unplug(_ nics: [String]) async throws(UserError) {
    guard life == .running, let monitor else { return }
    for nic in nics {
      let id = NICDevice.id(nic)
      let (gone, continuation) = AsyncStream.makeStream(of: Void.self)
      unplugging[id] = continuation
      let timer = Task {
        try await Task.sleep(for: .seconds(Self.unplugTimeout))
        continuation.yield()
      }
      defer { timer.cancel() }
      do {
        try await monitor.execute(NICDevice.unplugCommand(nic))
      } catch {
        unplugging[id] = nil
        // Gone already: an `up` before this one came so far.
        if error.message.contains("not found") { continue }
        throw UserError(
          .failed, "node \(definition.name): cannot unplug \(nic): \(error.message)",
          hint: "say `apus up --allow-restart` to start the machine again without it")
      }
      let isTooLate = await gone.first { _ in true } != nil
      guard !isTooLate else {
        unplugging[id] = nil
        throw UserError(
          .failed,
          "node \(definition.name): its guest has not let go of \(nic) within \(Int(Self.unplugTimeout)) s",
          hint: "say `apus up --allow-restart` to start the machine again without it")
      }
      // QEMU removes the socket with the backend, or leaves it: either is well.
      for command in NICDevice.removeCommands(nic) { try? await monitor.execute(command) }
      noteUnplugged(nic)
    }
  }

  private func noteUnplugged(_ nic: String) {
    if record?.plugged?.contains(nic) == true {
      record?.plugged?.removeAll { $0 == nic }
    } else {
      record?.hasLostNICs = true
    }
    // What is not written down costs a guest that boots again its word about its network.
    try? record?.write(paths)
  }

  /// A builtin guest that was reset knows the NICs only that it had when the machine was started.
  func configurePlugged() async {
    let names = Set(record?.plugged ?? [])
    let nics = definition.nics.filter { names.contains($0.name) }
    guard definition.disk == nil, !nics.isEmpty else { return }
    do {
      try await configure(nics)
    } catch {
      environment.logger.warning("\(error)")
    }
  }

  /// Tells a builtin guest the names and addresses of NICs that were plugged in.
  private func configure(_ nics: [NICDefinition]) async throws(UserError) {
    var part = definition
    part.nics = nics
    let command = [BuiltinGuest.setupScript] + GuestWords.words(for: part.networkSteps)
    let reply = await CommandTrial.run(limit: Self.unplugTimeout) { status, text in
      status == 0 ? .answered(nil) : .silent(GuestSetup(lines: text).words)
    } _: {
      try await self.execute(command)
    }
    guard case .silent(let reason) = reply else { return }
    let isOlder = record?.setupSteps == nil
    throw UserError(
      .failed, "node \(definition.name): its guest cannot set up the new NICs: \(reason)",
      hint: isOlder ? "an older apus started it: say `apus restart \(definition.name)` first" : nil)
  }
}
