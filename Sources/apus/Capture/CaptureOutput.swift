import Capture
import Foundation
import Lab

/// Where a command puts a capture that comes in pieces.
protocol CaptureOutput: AnyObject {
  /// Frames so far, and those that the capture was too slow for.
  var tally: PcapngTally { get }
  /// - Parameter isCancelled: asked while nothing can be written; true gives up.
  /// - Throws: `UserError` when no more can be written.
  func take(_ bytes: [UInt8], isCancelled: () -> Bool) throws
  func close()
}

/// Files: one, or several; made when the first bytes come, so that a mistake leaves what there was.
final class CaptureFileOutput: CaptureOutput {
  private(set) var tally = PcapngTally()
  private var splitter = PcapngBlockSplitter()
  private var sink: (any CaptureSink)?
  private let path: String
  private let open: () throws(CaptureSinkError) -> any CaptureSink

  /// - Parameters:
  ///   - path: for messages.
  ///   - open: makes what is written to; called once.
  init(_ path: String, _ open: @escaping () throws(CaptureSinkError) -> any CaptureSink) {
    self.path = path
    self.open = open
  }

  func take(_ bytes: [UInt8], isCancelled: () -> Bool) throws {
    do {
      let blocks = try splitter.add(bytes)
      guard !blocks.isEmpty else { return }
      try opened().write(blocks, isCancelled: isCancelled)
      try tally.add(blocks)
    } catch CaptureSinkError.severalPorts(let names) {
      throw UserError(
        .badInput, "cannot write the capture: \(CaptureSinkError.severalPorts(names))",
        hint:
          "pcapng has them all in one file; --per-interface DIR makes one for each; what --last has of one port alone "
          + "is what came in by it: --direction in")
    } catch let error as CaptureSinkError {
      let isKept = tally.packets > 0 && error != .readerGone
      let hint = isKept ? "\(tally.packets) frames are in \(path), which is whole" : nil
      throw UserError(.failed, "cannot write the capture: \(error)", hint: hint)
    }
  }

  private func opened() throws(CaptureSinkError) -> any CaptureSink {
    if let sink { return sink }
    let new = try open()
    sink = new
    return new
  }

  func close() { sink?.close() }
}

/// Standard output, for a pipe to Wireshark.
final class CapturePipeOutput: CaptureOutput {
  private(set) var tally = PcapngTally()
  private var splitter = PcapngBlockSplitter()

  func take(_ bytes: [UInt8], isCancelled: () -> Bool) throws {
    let blocks = try splitter.add(bytes)
    // A reader that has gone away ends the program, and the connection that goes with it the capture.
    Output.bytes(blocks)
    try tally.add(blocks)
  }

  func close() {}
}

/// A line for each frame.
final class CaptureLines: CaptureOutput {
  private(set) var tally = PcapngTally()
  private var splitter = PcapngBlockSplitter()
  private var reader = SummaryReader()
  /// Seconds that local time is ahead of universal time.
  private let offset = Int64(TimeZone.current.secondsFromGMT())

  func take(_ bytes: [UInt8], isCancelled: () -> Bool) throws {
    try tally.add(try splitter.add(bytes))
    reader.append(bytes)
    var lines = ""
    while let frame = try reader.next() { lines += line(frame) }
    if !lines.isEmpty { Output.data(lines) }
  }

  func close() {}

  private func line(_ frame: SummarizedFrame) -> String {
    let comment = frame.comment.map { "  [\($0)]" } ?? ""
    let direction = frame.isInbound ? "in" : "out"
    return "\(time(frame.time))  \(frame.interface) \(direction)  \(frame.summary.text)\(comment)\n"
  }

  /// Local time of the day to the microsecond.
  private func time(_ nanoseconds: UInt64) -> String {
    let seconds = Int64(nanoseconds / 1_000_000_000) + offset
    let day = ((seconds % 86_400) + 86_400) % 86_400
    func digits(_ value: Int64, _ count: Int) -> String {
      let text = String(value)
      return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    let micros = Int64(nanoseconds % 1_000_000_000 / 1000)
    return "\(digits(day / 3600, 2)):\(digits(day / 60 % 60, 2)):\(digits(day % 60, 2)).\(digits(micros, 6))"
  }
}
