import CLinux

/// One queue of a guest's network device: a ring of some format, and all that is the same whatever the format: what the
/// frames in its chains look like, which descriptors its driver and front-end are called by, and when.
///
/// Taking frames is in GuestQueue+Receive.swift, delivering them in GuestQueue+Transmit.swift and +Scatter.swift, the log
/// of the pages that are written in GuestQueue+Log.swift. The compiler makes a queue of its own for each format. Owned by one worker.
struct GuestQueue<Format: Ring & ~Copyable>: ~Copyable {
  /// The ring; asked for no more than its position unless `isRunning`.
  var ring = Format()
  /// Addresses resolve and the front-end started the ring.
  private(set) var isRunning = false
  /// SET_VRING_ENABLE; remembered while stopped.
  var isEnabled = false
  /// It goes on where another back-end was, and its front-end has yet to enable it: frames that lie in it are neither taken
  /// nor, as those of a ring that is disabled, discarded.
  var awaitsEnable = false
  private(set) var traits = QueueTraits()
  /// Entries were published whose driver may still have to be called; see `settle`.
  var isUnsettled = false
  /// eventfd of calls, -1 = none wanted.
  var callDescriptor: Int32 = -1
  /// eventfd of errors, -1 = none.
  var errorDescriptor: Int32 = -1
  /// Where it marks the pages that it writes; nil = they are not logged.
  private(set) var log: ElementPlace<QueueLog>?
  /// Without a kick descriptor the ring must be polled.
  var mustPoll = false
  private(set) var calls: UInt64 = 0
  var kicks: UInt64 = 0
  /// Region that the last buffer was in.
  var regionHint = 0
  /// Large frames taken from the ring, or that went into it, whole or cut.
  var segmented: UInt64 = 0
  /// Frames that took more than one chain of the ring (VIRTIO_NET_F_MRG_RXBUF).
  var merged: UInt64 = 0
  /// Why it does not run, unless `isRunning`.
  private(set) var stopReason = RingStop.neverStarted

  /// A queue that does not run.
  init() {}

  /// The same when the session is over: nothing is left of the ring but what ended it.
  mutating func reset() {
    let last = isRunning ? RingStop.sessionEnded : stopReason
    self = GuestQueue()
    stopReason = last
  }

  /// Bytes of the virtio-net header in every buffer.
  @inline(__always)
  var headerSize: Int { Int(traits.headerSize) }

  /// The driver may leave checksums partial (CSUM), or takes them partial (GUEST_CSUM).
  @inline(__always)
  var allowsPartialChecksum: Bool { traits.allowsPartialChecksum }

  /// Begins to serve the ring at `base`, as SET_VRING_BASE said it.
  mutating func start(_ layout: RingLayout, base: UInt32, traits: QueueTraits) {
    ring.start(layout, position: base, traits: traits.ring)
    self.traits = traits
    isUnsettled = false
    regionHint = 0
    isRunning = true
    if let log {
      ring.noteRepair(in: &log.element)
      log.element.flush()
    }
    suppressKicks()
  }

  /// Logs the pages that it writes from now on, in `place`, whose owner keeps it there until the next call; nil = no more.
  mutating func attach(_ place: ElementPlace<QueueLog>?) { log = place }

  /// The same ring after its memory moved.
  mutating func move(to layout: RingLayout) {
    guard isRunning, layout.size == ring.size else { return }
    ring.move(to: layout)
    regionHint = 0
  }

  /// Ends service; `base` is where a later start goes on.
  mutating func stop(_ reason: RingStop = .byFrontEnd) {
    if isRunning { stopReason = reason }
    isRunning = false
  }

  /// It stopped as its driver broke the rules.
  var hasBroken: Bool { if case .fault = stopReason { !isRunning } else { false } }

  /// Adds what another process had counted.
  mutating func addCounts(_ counts: InheritedPort.Queue) {
    kicks &+= counts.kicks
    calls &+= counts.calls
    segmented &+= counts.segmented
    merged &+= counts.merged
  }

  /// The ring's position as GET_VRING_BASE answers it.
  var base: UInt32 { ring.position }

  /// What cannot be of the position at which the ring has started.
  func judgePosition() -> RingFault? { isRunning ? ring.judgePosition() : nil }

  /// Driver or device have done something since the ring started at `base`.
  func hasMoved(since base: UInt32) -> Bool { isRunning && ring.hasMoved(since: base) }

  /// A chain is there that was not taken yet; an idle ring costs one load.
  @inline(__always)
  var hasAvailable: Bool { ring.hasAvailable }

  /// Asks for what the next `count` chains need of the ring itself: first the entries, later the descriptors.
  @inline(__always)
  func prefetchEntries(_ count: Int) { ring.prefetchEntries(count) }

  @inline(__always)
  func prefetchDescriptors(_ count: Int) { ring.prefetchDescriptors(count) }

  /// Makes all used entries visible to the driver.
  @inline(__always)
  mutating func publish() {
    guard log == nil else { return publishLogged() }
    ring.publish()
  }
}

/// Calls: who is woken by what, and when.
extension GuestQueue where Format: ~Copyable {
  /// The call that the driver wants, if it wants to hear of the entries published since it was last called: the descriptor that
  /// is to be signalled now, -1 = none.
  ///
  /// Without a fence since `publish` a driver that just went to sleep may not be seen: then nothing is lost only if
  /// `takeSettledCall` follows one. Who has the ring's lock gives it back before it signals, since a descriptor can block.
  @inline(__always)
  mutating func takeCall() -> Int32 {
    guard ring.wantsCall else { return -1 }
    ring.closeCallWindow()
    return countedCall()
  }

  /// The same once the used entries are known to be visible, which ends the matter of those published so far.
  @inline(__always)
  mutating func takeSettledCall() -> Int32 {
    isUnsettled = false
    let isWanted = ring.wantsCall
    ring.closeCallWindow()
    return isWanted ? countedCall() : -1
  }

  @inline(__always)
  private mutating func countedCall() -> Int32 {
    if callDescriptor >= 0 { calls &+= 1 }
    return callDescriptor
  }

  /// Asks the driver not to kick: the worker polls.
  func suppressKicks() {
    guard isRunning else { return }
    ring.suppressKicks()
    logWish()
  }

  /// Asks the driver to kick at the next entry; the caller fences once for all rings and then looks again.
  func armKicks() {
    guard isRunning else { return }
    ring.armKicks()
    logWish()
  }

  /// Calls the driver without asking whether it wants to be called; false if the call descriptor blocked.
  func signalCall(_ guardian: CallGuardian) -> Bool {
    callDescriptor < 0 || Self.signal(callDescriptor, guardian)
  }

  /// Tells the front-end that the ring is broken; if that blocks, it does not want to know.
  func signalError(_ guardian: CallGuardian) {
    if errorDescriptor >= 0 { _ = Self.signal(errorDescriptor, guardian) }
  }

  /// Writes to an eventfd under the eyes of the watchdog; false if it had to break the write off: its owner filled the counter and
  /// cleared O_NONBLOCK.
  @inline(__always)
  static func signal(_ descriptor: Int32, _ guardian: CallGuardian) -> Bool {
    guardian.begin()
    let outcome = clinux_eventfd_write(descriptor)
    guardian.end()
    return outcome != -EINTR
  }
}
