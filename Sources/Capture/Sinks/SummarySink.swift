internal import LinuxHost
import Synchronization

/// Tells the frames of a capture in words to one task that shows them to somebody.
///
/// Never holds the capture up: frames that come faster than they may be told, or faster than they are asked for, are
/// counted and left out, so that a flood costs little more than being counted.
package final class SummarySink: CaptureSink {
  /// What there is to tell.
  package enum News: Sendable, Equatable {
    case frame(SummarizedFrame)
    /// That many frames were left out since the last time.
    case lost(UInt64)
  }

  private struct State {
    var reader = SummaryReader()
    /// Counts what the capture itself was too slow for.
    var tally = PcapngTally()
    /// Frames that wait to be asked for, and those of them that are next, the first at the end.
    var waiting: [SummarizedFrame] = []
    var next: [SummarizedFrame] = []
    /// Frames told or waiting.
    var shown: UInt64 = 0
    /// Left out, and not told yet.
    var lost: UInt64 = 0
    var allowance: Allowance
    /// Nanoseconds of the monotonic clock when it was last told how many were left out.
    var lastTold: UInt64 = 0
    var isClosed = false
    var isAbandoned = false
  }

  private enum Look {
    case news(News)
    case nothingYet
    case end
  }

  /// Bytes of a frame that a summary looks at: headers, with tags and options.
  package static let snapLength = 256
  /// Frames that wait at most.
  private static let limit = 1024
  /// Time between looks for something to tell, and nanoseconds between two counts of what was left out.
  private static let interval = Duration.milliseconds(100)
  private static let lostInterval: UInt64 = 500_000_000

  private let count: UInt64
  private let state: Mutex<State>

  /// - Parameters:
  ///   - rate: frames told in a second at most, 1 or more.
  ///   - count: frames after which the capture ends; nil = it does not.
  package init(rate: Int, count: Int? = nil) {
    self.count = count.map { UInt64(max($0, 1)) } ?? .max
    state = Mutex(State(allowance: Allowance(rate: rate, now: HostClock.monotonic)))
  }

  package var isAbandoned: Bool { state.withLock(\.isAbandoned) }

  package func write(_ blocks: [UInt8], isCancelled: () -> Bool) throws(CaptureSinkError) {
    let mayGoOn: Bool
    do throws(CaptureFileError) {
      mayGoOn = try state.withLock { state throws(CaptureFileError) in
        guard !state.isAbandoned else { return false }
        return try take(blocks, &state)
      }
    } catch {
      throw .failed("\(error)")
    }
    // With as many as were wanted it ends as with a reader that has seen enough.
    if !mayGoOn { throw .readerGone }
  }

  /// Looks at whole blocks; false = no more are wanted.
  private func take(_ blocks: [UInt8], _ state: inout State) throws(CaptureFileError) -> Bool {
    let dropped = state.tally.dropped
    try state.tally.add(blocks)
    state.lost += state.tally.dropped - dropped
    state.allowance.refill(now: HostClock.monotonic)
    var offset = 0
    while let size = try PcapngBlockSplitter.blockSize(blocks, at: offset), offset + size <= blocks.count {
      defer { offset += size }
      let isFrame = PcapngBlockSplitter.word(blocks, offset) == Pcapng.Block.enhancedPacket
      if isFrame, state.waiting.count >= Self.limit || !state.allowance.take() {
        state.lost += 1
        continue
      }
      state.reader.append(Array(blocks[offset..<offset + size]))
      guard let frame = try state.reader.next() else { continue }
      state.waiting.append(frame)
      state.shown += 1
      if state.shown >= count { return false }
    }
    return true
  }

  /// The next thing to tell; nil when the capture has ended and everything was told.
  ///
  /// For one task; when it is cancelled it is as if it had called `abandon`.
  package func next() async -> News? {
    while true {
      switch state.withLock({ Self.look(&$0, now: HostClock.monotonic) }) {
      case .news(let news): return news
      case .end: return nil
      case .nothingYet:
        guard (try? await Task.sleep(for: Self.interval)) != nil else {
          abandon()
          return nil
        }
      }
    }
  }

  private static func look(_ state: inout State, now: UInt64) -> Look {
    guard !state.isAbandoned else { return .end }
    // Told now and then also while frames come without end.
    if state.lost > 0, state.isClosed || now &- state.lastTold >= lostInterval {
      defer { (state.lost, state.lastTold) = (0, now) }
      return .news(.lost(state.lost))
    }
    if state.next.isEmpty, !state.waiting.isEmpty {
      state.next = state.waiting.reversed()
      state.waiting = []
    }
    if let frame = state.next.popLast() { return .news(.frame(frame)) }
    return state.isClosed ? .end : .nothingYet
  }

  /// Nobody will ask for more: the capture ends as with a reader that has gone.
  package func abandon() {
    state.withLock { state in
      state.isAbandoned = true
      (state.waiting, state.next) = ([], [])
    }
  }

  package func close() { state.withLock { $0.isClosed = true } }
}

/// How many frames may be told now, so that there are never more than `rate` in a second.
///
/// Half of them may come at once, since real traffic comes so; the other half is spread over the second.
private struct Allowance {
  private let half: Double
  private var left: Double
  private var last: UInt64

  init(rate: Int, now: UInt64) {
    half = Double(max(rate, 1)) / 2
    left = max(half, 1)
    last = now
  }

  mutating func refill(now: UInt64) {
    left = min(max(half, 1), left + Double(now &- last) / 1e9 * half)
    last = now
  }

  mutating func take() -> Bool {
    guard left >= 1 else { return false }
    left -= 1
    return true
  }
}
