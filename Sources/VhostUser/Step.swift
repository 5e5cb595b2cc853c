internal import LinuxHost

/// How a message's method ends.
enum Outcome {
  case done
  /// The message's own reply.
  case reply(Reply)
  /// What the owner has to be asked first, in this order.
  case steps([Step])
}

/// One question to the owner.
///
/// Plain values, so that an answer may come later without anything being captured.
enum Step {
  case setMemory([MemoryRegionRequest])
  case addMemory(MemoryRegionRequest)
  case removeMemory(MemoryRange)
  /// `isAnswered`: SET_LOG_BASE waits for its reply.
  case setLog(SessionLog, isAnswered: Bool)
  case setLogging(Bool)
  /// `mayWait`: memory has just arrived for a ring that was kicked before; if the owner still cannot start it, it goes
  /// on waiting for more memory and the message that brought the memory stands.
  case start(ring: Int, mayWait: Bool)
  /// `isAnswered`: GET_VRING_BASE waits for the ring's base as its reply.
  case stop(ring: Int, isAnswered: Bool)
  /// The session is to be taken out, or the ring held still: it stops, and nothing of it is forgotten.
  case pause(ring: Int)
  case enable(ring: Int, isEnabled: Bool)
  case replaceCall(ring: Int, Descriptor?)
  case replaceError(ring: Int, Descriptor?)
  case replaceAddresses(ring: Int, RingAddresses)
  case reset
  case setMTU(Int)
  case setInflight(InflightRegion)
  case announce(UInt64)
}

extension Session {
  /// Asks the owner.
  func perform(_ step: Step) -> OwnerAnswer {
    switch step {
    case .setMemory(let regions): owner.setMemory(regions)
    case .addMemory(let region): owner.addMemory(region)
    case .removeMemory(let range):
      owner.removeMemory(guestAddress: range.guestAddress, size: range.size, userAddress: range.userAddress)
    case .setLog(let log, _): owner.setLog(log.request, carryingMarks: isLogging)
    case .setLogging(let isOn): owner.setLogging(isOn)
    case .start(let ring, _): start(ring)
    case .stop(let ring, _), .pause(let ring): owner.stopRing(ring)
    case .enable(let ring, let isEnabled): owner.enableRing(ring, isEnabled)
    case .replaceCall(let ring, let call): owner.replaceCall(ring: ring, with: call)
    case .replaceError(let ring, let error): owner.replaceError(ring: ring, with: error)
    case .replaceAddresses(let ring, let addresses): owner.replaceAddresses(ring: ring, with: addresses)
    case .reset: owner.resetDevice()
    case .setMTU(let mtu): owner.setMTU(mtu)
    case .setInflight(let region): owner.setInflight(region)
    case .announce(let address): owner.announce(address: address)
    }
  }

  /// Remembers what the owner has done.
  ///
  /// - Returns: the reply that this makes, and what the owner has to be asked next.
  func apply(_ step: Step, _ completion: OwnerCompletion) -> (reply: Reply?, next: [Step]) {
    switch step {
    case .setMemory(let accepted):
      regions = accepted
      // Rings and repeats of a session that is taken up again are those that it was taken out with.
      if !isTakingUp { repeats.forget() }
      return (nil, waitingStarts())
    case .addMemory(let region):
      regions.append(region)
      return (nil, waitingStarts())
    case .removeMemory(let range): regions.removeAll { MemoryRange($0) == range }
    case .setLog(let log, let isAnswered):
      return (took(log, isAnswered: isAnswered), waitingStarts())
    case .setLogging: break
    case .start(let ring, _):
      rings[ring].phase = .running
      if case .broken = completion { rings[ring].isBroken = true } else { rings[ring].isBroken = false }
    case .stop(let ring, let isAnswered):
      let reply = stopped(ring, completion)
      return (isAnswered ? reply : nil, [])
    case .pause(let ring):
      note(completion, ofRing: ring)
      rings[ring].phase = .waiting
    case .enable(let ring, let isEnabled): rings[ring].isEnabled = isEnabled
    case .replaceCall(let ring, let call): rings[ring].call = call
    case .replaceError(let ring, let error): rings[ring].error = error
    case .replaceAddresses(let ring, let addresses): rings[ring].addresses = addresses
    case .reset: forgetRings()
    case .setMTU(let mtu): self.mtu = mtu
    case .setInflight(let region): inflight = region
    case .announce: break
    }
    return (nil, [])
  }

  /// Takes back what was remembered in hope of a step that the owner refused.
  ///
  /// - Returns: true if the message that led to the step stands nevertheless.
  func undo(_ step: Step) -> Bool {
    // Without a stand-in rings are held until the front-end gives a log.
    if case .setLog(let log, _) = step { return log.isStandIn && passage == nil }
    guard case .start(let ring, let mayWait) = step else { return false }
    // A running ring whose new kick was refused goes on with the old one.
    if !mayWait, rings[ring].phase != .running { rings[ring].stop() }
    return mayWait
  }
}
