internal import Dataplane
internal import LinuxHost

/// What the thread of a capture does.
struct CaptureLoop {
  /// Bytes of blocks that are written in one go.
  private static let piece = 1 << 16
  /// Records taken before the rest is looked after.
  private static let batch = 4096
  /// Microseconds between looks into empty rings, while frames come and when none came for a while.
  private static let shortPause: UInt32 = 1000
  private static let longPause: UInt32 = 10_000
  /// Nanoseconds that the rest of a capture may take after a stop, if its reader does not read.
  private static let patience: UInt64 = 1_000_000_000
  /// Nanoseconds between looks whether the reader is still there, while there is nothing to write.
  private static let readerInterval: UInt64 = 200_000_000

  private let session: CaptureSession
  private let handle: CaptureHandle
  private let settings: CaptureSettings
  private let sink: any CaptureSink
  private let deadline: UInt64
  private let interval: UInt64
  private var records: RecordWriter
  private var frame: [UInt8] = []
  /// Frames and blocks of frames that the sink has, and frames turned into blocks.
  private var written: UInt64 = 0
  private var taken: UInt64 = 0
  private var bytes: UInt64 = 0
  private var nextStatistics: UInt64
  private var nextReaderLook: UInt64
  private var quietTurns = 0

  init(_ session: CaptureSession, _ handle: CaptureHandle, _ settings: CaptureSettings, _ sink: any CaptureSink) {
    self.session = session
    self.handle = handle
    self.settings = settings
    self.sink = sink
    let now = HostClock.monotonic
    deadline = settings.duration.map { now &+ Self.nanoseconds($0) } ?? .max
    interval = max(Self.nanoseconds(settings.statisticsInterval), 1_000_000)
    nextStatistics = now &+ interval
    nextReaderLook = now &+ Self.readerInterval
    records = RecordWriter(settings, start: HostClock.realtime)
    records.add(handle.interfaces)
  }

  private static func nanoseconds(_ duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = duration.components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    return UInt64(min(seconds, 1_000_000_000)) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
  }

  /// Writes the capture from its head to its end.
  mutating func run() {
    var outcome = CaptureOutcome.stopped
    do throws(CaptureSinkError) {
      // The head at once: a reader shows what it waits for.
      try flush()
      outcome = try drain()
      try settle()
      records.add(handle.interfaces)
      records.addStatistics(now: HostClock.realtime, isLast: true)
      try flush()
    } catch {
      session.letGo()
      outcome = Self.outcome(of: error)
    }
    sink.close()
    session.note(written: written, packets: records.packets, bytes: bytes)
    session.finish(outcome)
  }

  private static func outcome(of error: CaptureSinkError) -> CaptureOutcome {
    switch error {
    case .readerGone: .readerGone
    case .full(let message): .diskFull(message)
    case .failed(let message): .failed(message)
    case .severalPorts: .failed("\(error)")
    case .cancelled: .stopped
    }
  }

  /// Takes records until there is a reason to end.
  private mutating func drain() throws(CaptureSinkError) -> CaptureOutcome {
    while true {
      // Asked before the rings are emptied, so that nothing is left in them.
      let end = handle.end
      let now = HostClock.monotonic
      records.add(handle.interfaces)
      records.add(names: session.takeNames())
      let isEmpty = try takeRecords()
      if let count = settings.count, taken >= count { return .countReached }
      if now >= nextStatistics {
        nextStatistics = now &+ interval
        records.addStatistics(now: HostClock.realtime, isLast: false)
      }
      if isEmpty, let end { return end == .portsRemoved ? .portsRemoved : .stopped }
      if now >= deadline { return .durationOver }
      guard isEmpty else { continue }
      try flush()
      if now >= nextReaderLook {
        nextReaderLook = now &+ Self.readerInterval
        if sink.isAbandoned { throw .readerGone }
      }
      quietTurns = min(quietTurns + 1, 100)
      HostClock.pause(microseconds: quietTurns < 50 ? Self.shortPause : Self.longPause)
    }
  }

  /// Lets the ports go, and takes what came until then: only when all workers have stopped are the last counts those of
  /// the frames that were written.
  private mutating func settle() throws(CaptureSinkError) {
    session.letGo()
    let start = HostClock.monotonic
    while handle.end == nil, HostClock.monotonic &- start < Self.patience {
      HostClock.pause(microseconds: Self.shortPause)
    }
    // None if there was a count: what came behind it is not wanted.
    while try !takeRecords() {}
  }

  /// Takes a number of records; true if there were no more.
  private mutating func takeRecords() throws(CaptureSinkError) -> Bool {
    for _ in 0..<Self.batch {
      if let count = settings.count, taken >= count { return true }
      guard let record = handle.next(into: &frame) else { return true }
      quietTurns = 0
      if record.interface >= records.interfaceCount { records.add(handle.interfaces) }
      if record.filterNumber != records.filterNumber, let text = session.filterText(record.filterNumber) {
        records.noteFilter(text, number: record.filterNumber)
      }
      records.add(record, &frame)
      taken += 1
      if records.count >= Self.piece { try flush() }
    }
    return false
  }

  /// Hands the blocks to the sink.
  private mutating func flush() throws(CaptureSinkError) {
    guard records.count > 0 else { return }
    let blocks = records.take()
    let (session, handle, deadline) = (session, handle, deadline)
    var stopped: UInt64?
    try sink.write(blocks) {
      let now = HostClock.monotonic
      guard session.stopIsWanted || handle.end != nil || now >= deadline else { return false }
      // A reader that is slow gets the rest; one that is stuck does not keep the capture.
      let since = stopped ?? now
      stopped = since
      return now &- since > Self.patience
    }
    written = taken
    bytes += UInt64(blocks.count)
    session.note(written: written, packets: records.packets, bytes: bytes)
  }
}
