package import LinuxHost

// A session as a plain value: taken out of one place, put into another, where it goes on as if nothing had been.
extension Session {
  /// The owner, or the rest of a step, has the word.
  package var isPending: Bool { if case .pending = phase { true } else { false } }

  /// Everything stands still: the rings have stopped, nothing is read, and `state` says all.
  package var isSuspended: Bool { if case .suspended = phase { true } else { false } }

  /// Stops all rings without a word to the front-end, so that the session can be taken out.
  ///
  /// It is `isSuspended` once the owner has done so. May come in the middle of a message.
  /// - Throws: `outOfTurn` while an answer is pending, or when the session is over or suspended.
  package func suspend() throws(ProtocolError) {
    switch phase {
    case .header, .payload:
      // Rings that frames come from stop first: a port whose receive ring has stopped drops what still comes.
      let rings = startedRings.filter { $0 % 2 == 1 } + startedRings.filter { $0 % 2 == 0 }
      try pass(rings.map { .pause(ring: $0) }, into: nil)
    case .pending, .suspended, .closed: throw .outOfTurn("a session is to be suspended that is not at rest")
    }
  }

  /// All that a suspended session knows, and the descriptors that it names; nil unless it `isSuspended`.
  package var state: (value: SessionState, descriptors: [Descriptor])? {
    guard case .suspended(let input) = phase else { return nil }
    return state(input, at: [:])
  }

  /// The same of a session at rest whose rings stand still without having been stopped; nil while an answer is pending,
  /// or the session is over.
  ///
  /// - Parameter positions: of the rings that run, by index: where the owner has come to, as `stopRing` would answer it.
  package func state(at positions: [Int: UInt32]) -> (value: SessionState, descriptors: [Descriptor])? {
    switch phase {
    case .header, .payload: state(unfinished, at: positions)
    case .pending, .suspended, .closed: nil
    }
  }

  private func state(
    _ input: Input, at positions: [Int: UInt32]
  ) -> (value: SessionState, descriptors: [Descriptor]) {
    var (state, all) = (SessionState(), [Descriptor]())
    func place(_ descriptor: Descriptor) -> Int {
      all.append(descriptor)
      return all.count - 1
    }
    state.features = features
    state.protocolFeatures = protocolFeatures
    state.status = status
    state.isOwned = isOwned
    state.mtu = mtu
    state.regions = regions.map {
      .init(
        guestAddress: $0.guestAddress, size: $0.size, userAddress: $0.userAddress, fileOffset: $0.fileOffset,
        descriptor: place($0.descriptor))
    }
    state.repeats = repeats.state
    state.log = log.map {
      .init(
        size: $0.request.size, offset: $0.request.offset, descriptor: place($0.request.descriptor),
        isStandIn: $0.isStandIn, isStale: $0.isStale)
    }
    state.hasWaitedForLog = hasWaitedForLog
    state.rings = rings.enumerated().map { index, ring in
      var queue = ring.state(format)
      if ring.phase == .running, let position = positions[index] { queue.position = position }
      return .init(queue: queue, kick: ring.kick.map(place), call: ring.call.map(place), error: ring.error.map(place))
    }
    state.inflight = inflight.map {
      .init(
        size: $0.size, fileOffset: $0.fileOffset, ringCount: $0.ringCount, ringSize: $0.ringSize,
        descriptor: place($0.descriptor))
    }
    state.channel = channel.map(place)
    state.input = input.bytes
    state.inputDescriptors = input.descriptors.map(place)
    return (state, all)
  }

  /// A session that goes on where another was taken out; `takeUp` follows.
  ///
  /// The value is checked as the messages were that it was made of.
  /// - Parameter descriptors: those that `state` names by their places; owned by the session from here on.
  /// - Throws: `StateError.invalid` if the value says what cannot be, or what this owner does not offer.
  package convenience init(
    owner: any RingOwner, state: SessionState, descriptors: [Descriptor]
  ) throws(StateError) {
    self.init(owner: owner)
    do throws(Refusal) {
      try restore(state, descriptors)
    } catch {
      throw .invalid("session state: \(error.reason)")
    }
  }

  /// Has the owner map the memory and start the rings of a session that was made of a state.
  ///
  /// A ring that cannot be started waits for other memory, and why is the latest refusal.
  /// - Throws: the reason to close the connection; the session is over then.
  package func takeUp() throws(ProtocolError) {
    guard let restored else { throw .outOfTurn("a session is to be taken up that was not taken out") }
    self.restored = nil
    var steps: [Step] = restored.log.map { [.setLog($0, isAnswered: false)] } ?? []
    if isLogging { steps.append(.setLogging(true)) }
    // Waiting rings are started behind the memory, as always.
    if let inflight { steps.append(.setInflight(inflight)) }
    if !restored.regions.isEmpty { steps.append(.setMemory(restored.regions)) }
    if let mtu { steps.append(.setMTU(mtu)) }
    try pass(steps, into: restored.input)
  }

  private func restore(_ state: SessionState, _ descriptors: [Descriptor]) throws(Refusal) {
    let unknown = state.features & ~offer.features
    guard unknown == 0 else {
      throw Refusal("acknowledges \(featureNames(unknown).joined(separator: ", ")), which is not offered")
    }
    let unknownToo = state.protocolFeatures & ~offer.protocolFeatures
    guard unknownToo == 0 else {
      throw Refusal("acknowledges \(protocolFeatureNames(unknownToo).joined(separator: ", ")), which is not offered")
    }
    guard state.rings.count == rings.count else {
      throw Refusal("\(state.rings.count) rings, and the device has \(rings.count)")
    }
    if let mtu = state.mtu, !(68...max(68, offer.mtuLimit)).contains(mtu) {
      throw Refusal("MTU \(mtu), expected 68 to \(offer.mtuLimit)")
    }
    features = state.features
    protocolFeatures = state.protocolFeatures
    status = state.status
    isOwned = state.isOwned
    mtu = state.mtu
    hasWaitedForLog = state.hasWaitedForLog
    repeats.restore(state.repeats, pairs: rings.count / 2)
    for (index, ring) in state.rings.enumerated() { rings[index] = try restored(ring, index, descriptors) }
    inflight = try restoredInflight(state, descriptors)
    if let channel = try descriptor(state.channel, of: descriptors) {
      try check(channel: channel)
      self.channel = channel
    }
    restored = Restored(
      log: try restoredLog(state.log, descriptors), regions: try restoredRegions(state, descriptors),
      input: Input(
        bytes: state.input,
        descriptors: try state.inputDescriptors.map { place throws(Refusal) in
          try descriptor(place, of: descriptors)
        }))
  }

  private func restored(
    _ state: SessionState.Ring, _ index: Int, _ descriptors: [Descriptor]
  ) throws(Refusal) -> Ring {
    let queue = state.queue
    guard queue.format == format else {
      throw Refusal("ring \(index) is \(queue.format), and the features acknowledged say \(format)")
    }
    if queue.size != 0 { try check(size: queue.size, ofRing: index) }
    if queue.isStarted { try check(position: queue.position, size: queue.size, ofRing: index) }
    guard !queue.isStarted || queue.size > 0 && queue.addresses != nil else {
      throw Refusal("ring \(index) is started, and has no size or no addresses")
    }
    if let addresses = queue.addresses { try check(flags: addresses.flags, ofRing: index) }
    var ring = Ring()
    ring.size = queue.size
    ring.base = queue.position
    // Whoever took the session out had stopped it there.
    ring.stoppedAt = queue.isStarted ? queue.position : nil
    ring.addresses = queue.addresses
    ring.isEnabled = queue.isEnabled
    ring.isBroken = queue.isBroken
    // A broken one stays as it is until its front-end stops it or starts it again.
    ring.phase = queue.isStarted && !queue.isBroken ? .waiting : .stopped
    ring.kick = try descriptor(state.kick, of: descriptors)
    ring.call = try descriptor(state.call, of: descriptors)
    ring.error = try descriptor(state.error, of: descriptors)
    for held in [ring.kick, ring.call, ring.error] {
      if let held { try check(held, ofRing: index) }
    }
    return ring
  }

  /// What the acknowledged features say of rings.
  private var format: QueueState.Format { isPacked ? .packed : .split }

  private func restoredInflight(
    _ state: SessionState, _ descriptors: [Descriptor]
  ) throws(Refusal) -> InflightRegion? {
    guard let said = state.inflight else { return nil }
    let region = InflightRegion(
      size: said.size, fileOffset: said.fileOffset, ringCount: said.ringCount, ringSize: said.ringSize,
      descriptor: try descriptor(said.descriptor, of: descriptors))
    try check(region)
    return region
  }

  private func restoredLog(_ state: SessionState.Log?, _ descriptors: [Descriptor]) throws(Refusal) -> SessionLog? {
    guard let state else { return nil }
    let request = LogRequest(
      size: state.size, offset: state.offset, descriptor: try descriptor(state.descriptor, of: descriptors))
    try check(request)
    return SessionLog(request: request, isStandIn: state.isStandIn, isStale: state.isStale)
  }

  private func restoredRegions(
    _ state: SessionState, _ descriptors: [Descriptor]
  ) throws(Refusal) -> [MemoryRegionRequest] {
    guard state.regions.count <= max(Self.maximumTableRegions, offer.memorySlots) else {
      throw Refusal("\(state.regions.count) memory regions, expected at most \(offer.memorySlots)")
    }
    var regions: [MemoryRegionRequest] = []
    for item in state.regions {
      let region = MemoryRegionRequest(
        guestAddress: item.guestAddress, size: item.size, userAddress: item.userAddress, fileOffset: item.fileOffset,
        descriptor: try descriptor(item.descriptor, of: descriptors))
      try check(region, against: regions.map(MemoryRange.init))
      regions.append(region)
    }
    return regions
  }

  private func descriptor(_ place: Int, of descriptors: [Descriptor]) throws(Refusal) -> Descriptor {
    guard descriptors.indices.contains(place) else {
      throw Refusal("names descriptor \(place) of \(descriptors.count)")
    }
    return descriptors[place]
  }

  private func descriptor(_ place: Int?, of descriptors: [Descriptor]) throws(Refusal) -> Descriptor? {
    guard let place else { return nil }
    return try descriptor(place, of: descriptors) as Descriptor
  }
}

/// What a session that was made of a state has still to tell its owner.
struct Restored {
  var log: SessionLog?
  var regions: [MemoryRegionRequest]
  var input: Session.Input
}

extension Ring {
  /// As it is written down.
  func state(_ format: QueueState.Format) -> QueueState {
    var state = QueueState()
    state.format = format
    state.size = size
    state.position = base
    state.addresses = addresses
    state.isEnabled = isEnabled
    state.isStarted = phase != .stopped
    state.isBroken = isBroken
    return state
  }
}
