internal import VhostUser

/// Looks whether a front-end that has told its features goes on: gives memory, and rings in which something happens.
///
/// QEMU says nothing about a guest whose memory is not shared. It starts its rings, and no region ever comes; or it gives
/// a file that it has mapped privately itself (`memory-backend-file` without `share=on`), in which nothing ever changes.
struct StartWatch: Sendable {
  /// How long a front-end may take after its features; real ones take milliseconds.
  static let patience = Duration.seconds(2)

  /// What people are told.
  enum Advice: Sendable {
    /// Neither memory nor a ring has come.
    case nothing
    /// Rings were started and wait for memory.
    case noMemory
    /// Rings run and are kicked, but nothing is in them.
    case privateMemory
    /// Rings were held for a log that has not come.
    case noLog
  }

  private enum State {
    case idle, ended
    case watching(since: ContinuousClock.Instant)
  }

  private var state = State.idle

  /// SET_FEATURES was accepted.
  ///
  /// Some front-ends say the bit of the protocol alone as soon as they connect, long before the guest's driver.
  mutating func noteFeatures(_ features: UInt64, at now: ContinuousClock.Instant) {
    guard features & ~VirtioFeature.protocolFeatures != 0, case .idle = state else { return }
    state = .watching(since: now)
  }

  /// The guest is seen to live; nothing more is looked at in this session.
  mutating func end() { state = .ended }

  /// The session ended.
  mutating func reset() { state = .idle }

  /// It is time to look how the front-end gets on.
  func isDue(at now: ContinuousClock.Instant) -> Bool {
    guard case .watching(let since) = state else { return false }
    return now - since >= Self.patience
  }
}

extension StartWatch.Advice {
  var text: String {
    switch self {
    case .nothing:
      "the front-end has told its features, and then neither memory nor a ring: it waits for the guest's driver, or "
        + "the guest's memory is not shared; \(Self.remedy)"
    case .noMemory:
      "the front-end has started its rings but given no memory: the guest's memory is not shared; \(Self.remedy)"
    case .privateMemory:
      "the front-end kicks its rings, but nothing is in them: it has mapped the guest's memory privately; "
        + "QEMU's memory-backend-file needs share=on, libvirt <access mode='shared'/>"
    case .noLog:
      "the front-end has dirty pages logged (LOG_ALL) and started its rings, but given no log (SET_LOG_BASE): they were "
        + "held for a while, and run now; what they write is marked when the log comes"
    }
  }

  private static let remedy =
    "QEMU needs -object memory-backend-memfd,id=ram,size=SIZE,share=on -machine memory-backend=ram (SIZE as in -m), "
    + "libvirt <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>, "
    + "Cloud Hypervisor --memory shared=on"
}
