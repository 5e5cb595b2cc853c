internal import LinuxHost

// "Ring states": started or stopped, and enabled or disabled, are independent; both begin with no. A ring starts with
// SET_VRING_KICK (newest text), stops with GET_VRING_BASE, and keeps its enable state meanwhile.
extension Session {
  static let maximumRingSize: UInt32 = 32768

  func setRingSize(_ message: Message) throws(Refusal) -> Outcome {
    let index = try ringIndex(message)
    let size = message.payload.u32(4)
    try check(size: Int(size), ofRing: index)
    try requireNotRunning(index)
    rings[index].size = Int(size)
    return .done
  }

  /// RING_PACKED is acknowledged: rings are packed that start from now on, and all that run.
  package var isPacked: Bool { features & VirtioFeature.packedRing != 0 }

  /// Refuses what is no number of entries.
  ///
  /// VIRTIO 1.2 section 2.7: "Queue Size value is always a power of 2. The maximum Queue Size value is 32768." A packed
  /// ring's is any number up to that (section 2.8.10.1).
  func check(size: Int, ofRing index: Int) throws(Refusal) {
    let isInside = (1...Int(Self.maximumRingSize)).contains(size)
    guard isInside, isPacked || size & (size &- 1) == 0 else {
      let expected = isPacked ? "1 to \(Self.maximumRingSize)" : "a power of two up to \(Self.maximumRingSize)"
      throw Refusal("ring \(index) has \(size) entries, expected \(expected)")
    }
  }

  /// A split ring's position has 16 bits; a packed one's are two places and their wrap counters, of which the used one
  /// may be anything (see `Ring.start` of the packed format).
  func check(position: UInt32, size: Int, ofRing index: Int) throws(Refusal) {
    guard isPacked else {
      guard position <= 0xFFFF else { throw Refusal("position \(position) of ring \(index), expected at most 65535") }
      return
    }
    let place = Int(position & 0x7FFF)
    guard place < max(size, 1) else {
      throw Refusal("position \(hex(UInt64(position))) of ring \(index) is at entry \(place) of \(size)")
    }
  }

  func setRingBase(_ message: Message) throws(Refusal) -> Outcome {
    let index = try ringIndex(message)
    let base = message.payload.u32(4)
    // A packed ring's base has 32 bits; whether its place is in the ring, its start tells.
    guard base <= 0xFFFF || isPacked else {
      throw Refusal("base \(base) of ring \(index), expected at most 65535")
    }
    try requireNotRunning(index)
    rings[index].base = base
    return .done
  }

  func setRingAddress(_ message: Message) throws(Refusal) -> Outcome {
    let index = try ringIndex(message)
    let payload = message.payload
    let addresses = RingAddresses(
      flags: payload.u32(4), descriptors: payload.u64(8), used: payload.u64(16), available: payload.u64(24),
      log: payload.u64(32))
    try check(flags: addresses.flags, ofRing: index)
    let old = rings[index].addresses
    rings[index].addresses = addresses
    // Those of a broken ring are for its next start: QEMU 7.2 ends itself if one of them is refused as logging begins.
    guard rings[index].phase == .running, !rings[index].isBroken else {
      // Held until now, perhaps, for the flag that is taken back.
      return .steps(waitingStarts().filter { if case .start(index, _) = $0 { true } else { false } })
    }
    if mustHold(index) { return .steps([.pause(ring: index)]) }
    rings[index].addresses = old
    return .steps([.replaceAddresses(ring: index, addresses)])
  }

  /// Bit 0 alone has a meaning, and only where a log is offered.
  func check(flags: UInt32, ofRing index: Int) throws(Refusal) {
    let known = offer.features & VirtioFeature.logAll != 0 ? RingAddresses.logFlag : 0
    guard flags & ~known == 0 else {
      let expected = known == 0 ? "0 as no log is offered" : "0 or \(known)"
      throw Refusal("flags \(hex(UInt64(flags))) of ring \(index), expected \(expected)")
    }
  }

  func getRingBase(_ message: Message) throws(Refusal) -> Outcome {
    let index = try ringIndex(message)
    if rings[index].phase == .running {
      return .steps([.stop(ring: index, isAnswered: true)])
    }
    // QEMU and virtio-user ask for rings that never ran.
    rings[index].stop()
    noteStop()
    return .reply(ringState(index))
  }

  /// The owner has stopped the ring.
  ///
  /// - Returns: the reply of GET_VRING_BASE.
  func stopped(_ index: Int, _ completion: OwnerCompletion) -> Reply {
    note(completion, ofRing: index)
    rings[index].stop()
    noteStop()
    return ringState(index)
  }

  /// Remembers where the owner has stopped a ring.
  func note(_ completion: OwnerCompletion, ofRing index: Int) {
    guard case .ringBase(let base) = completion else { return }
    rings[index].base = base
    rings[index].stoppedAt = base
  }

  func setRingKick(_ message: Message) throws(Refusal) -> Outcome {
    let (index, kick) = try ringDescriptor(message)
    guard rings[index].size > 0 else { throw Refusal("ring \(index) has no size yet, expected SET_VRING_NUM first") }
    guard rings[index].addresses != nil else {
      throw Refusal("ring \(index) has no addresses yet, expected SET_VRING_ADDR first")
    }
    rings[index].kick = kick
    if rings[index].phase != .running, regions.isEmpty || mustHold(index) {
      rings[index].phase = .waiting
      return .done
    }
    return .steps([.start(ring: index, mayWait: false)])
  }

  func setRingCall(_ message: Message) throws(Refusal) -> Outcome {
    let (index, call) = try ringDescriptor(message)
    if rings[index].phase == .running {
      return .steps([.replaceCall(ring: index, call)])
    }
    rings[index].call = call
    return .done
  }

  func setRingError(_ message: Message) throws(Refusal) -> Outcome {
    let (index, error) = try ringDescriptor(message)
    if rings[index].phase == .running {
      return .steps([.replaceError(ring: index, error)])
    }
    rings[index].error = error
    return .done
  }

  func setRingEnable(_ message: Message) throws(Refusal) -> Outcome {
    let index = try ringIndex(message)
    let value = message.payload.u32(4)
    guard value <= 1 else { throw Refusal("value \(value) for ring \(index), expected 0 or 1") }
    if rings[index].phase == .running {
      return .steps([.enable(ring: index, isEnabled: value == 1)])
    }
    rings[index].isEnabled = value == 1
    return .done
  }

  /// SET_FEATURES without VHOST_USER_F_PROTOCOL_FEATURES: "the ring is initialized in an enabled state".
  ///
  /// - Returns: what the owner has to do for the rings that run.
  func enableAllRings() -> [Step] {
    var steps: [Step] = []
    for index in rings.indices where !rings[index].isEnabled {
      if rings[index].phase == .running {
        steps.append(.enable(ring: index, isEnabled: true))
      } else {
        rings[index].isEnabled = true
      }
    }
    return steps
  }

  /// Starts for the rings that were kicked before there was memory, or a log, and have all they need now.
  func waitingStarts() -> [Step] {
    guard !regions.isEmpty else { return [] }
    return rings.indices.filter { rings[$0].phase == .waiting && !mustHold($0) }
      .map { .start(ring: $0, mayWait: true) }
  }

  /// Asks the owner to start a ring, with all that was said of it.
  func start(_ index: Int) -> OwnerAnswer {
    let ring = rings[index]
    guard let addresses = ring.addresses else { return .refused("ring \(index) has no addresses") }
    do throws(Refusal) {
      // Features may have been acknowledged anew since these were said.
      try check(size: ring.size, ofRing: index)
      try check(position: ring.base, size: ring.size, ofRing: index)
    } catch {
      return .refused(error.reason)
    }
    var start = RingStart(
      index: index, size: ring.size, base: ring.base, addresses: addresses, kick: ring.kick, call: ring.call,
      error: ring.error, isEnabled: ring.isEnabled, features: features)
    start.isPositionOurs = ring.base == ring.stoppedAt
    return owner.startRing(start)
  }

  /// A reset of the device, by RESET_DEVICE or status 0.
  ///
  /// Rings are stopped one by one for their bases: QEMU 7.2 sends SET_STATUS 0 first and asks for the bases then, also
  /// when the guest is only paused and goes on with them later.
  func resetSteps() -> [Step] {
    rings.indices.filter { rings[$0].phase == .running }.map { .stop(ring: $0, isAnswered: false) } + [.reset]
  }

  /// After a reset every ring is as at the beginning, but for its error descriptor (see `Ring.stop`) and its base.
  func forgetRings() {
    for index in rings.indices {
      rings[index].stop()
      rings[index].size = 0
      rings[index].isEnabled = false
    }
    noteStop()
    status = 0
  }

  // MARK: - Parts of messages

  /// The ring of a message whose payload begins with `u32 index`; compared as 32 bits, nothing is cut off.
  private func ringIndex(_ message: Message) throws(Refusal) -> Int {
    let index = message.payload.u32(0)
    guard index < UInt32(rings.count) else { throw beyondOffer(index) }
    return Int(index)
  }

  /// Both numbers, as people count them: QEMU's `queues=` and the port's are pairs.
  private func beyondOffer(_ index: UInt32) -> Refusal {
    let pairs = rings.count / 2
    let offered = "\(pairs) \(pairs == 1 ? "pair is" : "pairs are") offered, rings 0 to \(rings.count - 1)"
    return Refusal("ring \(index) is of queue pair \(UInt64(index / 2) + 1), but \(offered)")
  }

  /// The ring and eventfd of a kick, call or error message: bits 0-7 are the ring, bit 8 says that no descriptor comes.
  private func ringDescriptor(_ message: Message) throws(Refusal) -> (index: Int, descriptor: Descriptor?) {
    let value = message.payload.u64(0)
    guard value <= 0x1FF else { throw Refusal("value \(hex(value)), expected at most 0x1ff") }
    let index = Int(value & 0xFF)
    guard index < rings.count else { throw beyondOffer(UInt32(index)) }
    let expected = value & 0x100 == 0 ? 1 : 0
    guard message.descriptors.count == expected else {
      throw Refusal("came with \(message.descriptors.count) descriptors for ring \(index), expected \(expected)")
    }
    guard let descriptor = message.descriptors.first else { return (index, nil) }
    try check(descriptor, ofRing: index)
    return (index, descriptor)
  }

  /// A descriptor that kicks, calls or tells of errors must be an eventfd, and is set non-blocking.
  func check(_ descriptor: Descriptor, ofRing index: Int) throws(Refusal) {
    guard descriptor.kind == .eventfd else {
      throw Refusal("descriptor for ring \(index) is \(descriptor.kind.words), expected an eventfd")
    }
    do throws(SystemError) {
      try descriptor.setNonBlocking()
    } catch {
      throw Refusal("descriptor for ring \(index): \(error)")
    }
  }

  /// As the kernel's vhost answers EBUSY: a running ring cannot be resized or moved.
  private func requireNotRunning(_ index: Int) throws(Refusal) {
    guard rings[index].phase != .running else {
      throw Refusal("ring \(index) runs, expected GET_VRING_BASE first")
    }
  }

  private func ringState(_ index: Int) -> Reply {
    var payload: [UInt8] = []
    payload.appendWire(UInt32(truncatingIfNeeded: index))
    payload.appendWire(rings[index].base)
    return Reply(payload: payload)
  }
}

/// A number as people write addresses and masks.
func hex(_ value: UInt64) -> String {
  "0x" + String(value, radix: 16)
}

extension DescriptorKind {
  /// For messages to people.
  ///
  /// A front-end chooses the names of its files: nothing in them may begin a line of the log or steer a terminal.
  var words: String {
    switch self {
    case .sharedMemory: "a memory file"
    case .foreignFile(let path, let fileSystem): "\(printable(path)) on \(fileSystem)"
    case .eventfd: "an eventfd"
    case .socket: "a socket"
    case .other(let target): printable(target)
    }
  }

  /// Controls, separators of lines and overrides of direction are replaced.
  private func printable(_ name: String) -> String {
    String(
      String.UnicodeScalarView(
        name.unicodeScalars.map { scalar in
          switch scalar.properties.generalCategory {
          case .control, .format, .lineSeparator, .paragraphSeparator: "\u{FFFD}"
          default: scalar
          }
        }))
  }
}
