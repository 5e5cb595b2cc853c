internal import LinuxHost

/// A log of dirty pages that the owner has.
struct SessionLog {
  var request: LogRequest
  /// It was made here, since the front-end has given none: what it has is carried into the front-end's when that comes.
  var isStandIn = false
  /// All rings have stopped since it came: a front-end that starts them again is expected to give another.
  var isStale = false
}

// The dirty log: while a machine moves (VHOST_F_LOG_ALL), the page of everything that is written is marked in a file of
// the front-end's, one bit each.
//
// - SET_LOG_BASE comes before the features as a rule, once for each ring pair, with the same file: it is never cleared.
// - When rings start again in the middle of it, QEMU 7.2 says features, memory and rings, kicks, and gives a new log
//   last. So a ring whose addresses have the log flag, and that has no log of this start, is held still: it has not
//   started, or is stopped again, and nobody hears of it. Whoever has the clock ends that after a while (`endHold`).
// - A ring without the flag is not held, though its buffers are to be marked. What has no log is marked in a file of our
//   own (*stand-in*), which goes into the front-end's when that comes.
extension Session {
  /// Bytes of guest memory that a byte of the log stands for: a bit for each page of 4096.
  static let bytesPerLogByte: UInt64 = 32768
  /// Bytes of the largest stand-in: of memory that ends at 2 TiB.
  ///
  /// Rings of larger machines are held until the log comes.
  static let largestStandIn: UInt64 = 64 << 20
  /// Bytes of the largest log that is taken: of memory that ends at 32 TiB.
  ///
  /// What one log has is carried into the next word by word, so a front-end must not make that as long as it likes: a
  /// file of any size costs it nothing.
  static let largestLog: UInt64 = 1 << 30

  /// Pages that are written are to be marked.
  package var isLogging: Bool { features & VirtioFeature.logAll != 0 }

  /// `u64 size, u64 offset` and the log's file, answered by the same 16 bytes.
  ///
  /// QEMU waits for an answer of any size, whether it asks for one or not; Cloud Hypervisor's library for this one.
  func setLogBase(_ message: Message) throws(Refusal) -> Outcome {
    guard let descriptor = message.descriptors.first else { throw Refusal("came without a descriptor, expected 1") }
    let request = LogRequest(size: message.payload.u64(0), offset: message.payload.u64(8), descriptor: descriptor)
    try check(request)
    let needed = Self.logSize(upTo: memoryEnd)
    guard request.size >= needed else {
      throw Refusal(
        "log of \(request.size) bytes for guest memory that ends at \(hex(memoryEnd)), expected \(needed) or more")
    }
    return .steps([.setLog(SessionLog(request: request), isAnswered: true)])
  }

  /// SET_LOG_FD: nobody is told of marks; the descriptor is closed by being dropped.
  func setLogDescriptor(_ message: Message) -> Outcome { .done }

  func check(_ log: LogRequest) throws(Refusal) {
    guard log.size > 0, !log.offset.addingReportingOverflow(log.size).overflow else {
      throw Refusal("log of \(log.size) bytes at file offset \(hex(log.offset)) is empty or wraps 64 bits")
    }
    guard log.size <= Self.largestLog else {
      throw Refusal("log of \(log.size) bytes, expected at most \(Self.largestLog)")
    }
    let kind = log.descriptor.kind
    guard case .sharedMemory = kind else {
      throw Refusal("log lies on \(kind.words), expected a file on \(DescriptorKind.memoryHomes)")
    }
    guard log.descriptor.isReadWrite else {
      throw Refusal("log came with a descriptor that does not allow reading and writing")
    }
  }

  /// The owner has the log.
  ///
  /// - Returns: the reply of SET_LOG_BASE, if it is one of that message.
  func took(_ log: SessionLog, isAnswered: Bool) -> Reply? {
    self.log = log
    guard isAnswered else { return nil }
    hasWaitedForLog = false
    var payload: [UInt8] = []
    payload.appendWire(log.request.size)
    payload.appendWire(log.request.offset)
    return Reply(payload: payload)
  }

  // MARK: - Who is held

  /// Bytes that a log must have for guest memory that ends at `end`.
  static func logSize(upTo end: UInt64) -> UInt64 {
    end / bytesPerLogByte + (end % bytesPerLogByte == 0 ? 0 : 1)
  }

  /// The end of the highest region; none wraps.
  private var memoryEnd: UInt64 { regions.map { $0.guestAddress &+ $0.size }.max() ?? 0 }

  private func isCovered(upTo end: UInt64) -> Bool {
    log.map { $0.request.size >= Self.logSize(upTo: end) } ?? false
  }

  /// The front-end has given a log for rings that start now, and it is large enough.
  private var hasLog: Bool { log.map { !$0.isStandIn && !$0.isStale && isCovered(upTo: memoryEnd) } ?? false }

  /// The ring must not run: what it would write could not be marked where the front-end will look.
  func mustHold(_ index: Int) -> Bool { mustHold(index, isCovered: isCovered(upTo: memoryEnd)) }

  private func mustHold(_ index: Int, isCovered: Bool) -> Bool {
    guard isLogging, let addresses = rings[index].addresses else { return false }
    return !isCovered || addresses.flags & RingAddresses.logFlag != 0 && !hasLog && !hasWaitedForLog
  }

  /// Stops for the rings that run and must not.
  func holdingSteps() -> [Step] { holdingSteps(isCovered: isCovered(upTo: memoryEnd)) }

  private func holdingSteps(isCovered: Bool) -> [Step] {
    rings.indices.filter { rings[$0].phase == .running && !rings[$0].isBroken && mustHold($0, isCovered: isCovered) }
      .map { .pause(ring: $0) }
  }

  /// A ring waits for a log, and could do without.
  package var isHolding: Bool {
    isLogging && !hasWaitedForLog && !regions.isEmpty && isCovered(upTo: memoryEnd)
      && rings.indices.contains { rings[$0].phase == .waiting && mustHold($0) }
  }

  /// Has the rings run that are held: the front-end has had its time.
  ///
  /// What they write is marked in what there is, and carried into the front-end's log if one comes. Nothing happens
  /// while an answer is pending.
  /// - Throws: the reason to close the connection; the session is over then.
  package func endHold() throws(ProtocolError) {
    switch phase {
    case .header, .payload: guard isHolding else { return }
    case .pending, .suspended, .closed: return
    }
    hasWaitedForLog = true
    try runAside(waitingStarts())
  }

  /// Nobody will look into the log once all rings have stopped: QEMU 7.2 has by then, and gives another at the start.
  ///
  /// It stays in its place nevertheless, for a front-end that takes it for granted.
  func noteStop() {
    guard !rings.contains(where: { $0.phase != .stopped }) else { return }
    log?.isStale = true
    hasWaitedForLog = false
  }

  // MARK: - What comes before

  /// SET_FEATURES has set or cleared VHOST_F_LOG_ALL.
  ///
  /// - Returns: what the owner has to do about it.
  func loggingSteps(wasLogging: Bool) -> [Step] {
    guard isLogging != wasLogging else { return [] }
    hasWaitedForLog = false
    guard isLogging else { return [.setLogging(false)] + waitingStarts() }
    let standIn = regions.isEmpty ? nil : standIn(upTo: memoryEnd)
    return holdingSteps(isCovered: standIn != nil || isCovered(upTo: memoryEnd))
      + (standIn.map { [.setLog($0, isAnswered: false)] } ?? []) + [.setLogging(true)]
  }

  /// What has to be done before guest memory may end where these regions do.
  ///
  /// QEMU gives a larger log first (`vhost_commit`), so memory beyond one that it looks into is a mistake.
  /// - Throws: the pages of these regions could not be marked.
  func loggingSteps(before regions: [MemoryRegionRequest]) throws(Refusal) -> [Step] {
    let end = regions.map { $0.guestAddress &+ $0.size }.max() ?? 0
    guard isLogging, !isCovered(upTo: end) else { return [] }
    guard !hasLog else {
      throw Refusal(
        "memory that ends at \(hex(end)) is beyond the log of \(log?.request.size ?? 0) bytes, "
          + "expected SET_LOG_BASE with \(Self.logSize(upTo: end)) or more first")
    }
    return standIn(upTo: end).map { [.setLog($0, isAnswered: false)] } ?? []
  }

  /// A log of our own, unless there is one that will do, or it would be too large.
  private func standIn(upTo end: UInt64) -> SessionLog? {
    let size = Self.logSize(upTo: end)
    guard !isCovered(upTo: end), size <= Self.largestStandIn else { return nil }
    guard let file = try? Descriptor.memoryFile(size: size) else { return nil }
    return SessionLog(request: LogRequest(size: size, offset: 0, descriptor: file), isStandIn: true)
  }
}
