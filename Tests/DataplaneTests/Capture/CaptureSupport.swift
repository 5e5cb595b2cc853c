import Dataplane
import GuestKit
import Testing

/// One captured frame.
struct Captured {
  var record: CaptureRecord
  var bytes: [UInt8]
}

extension CaptureHandle {
  /// Takes out all that is there.
  func drain() -> [Captured] {
    var frames: [Captured] = []
    var bytes: [UInt8] = []
    while let record = next(into: &bytes) { frames.append(Captured(record: record, bytes: bytes)) }
    return frames
  }

  func counts(_ interface: Int) -> [UInt64] {
    let counts = interfaces[interface].counts
    return [counts.received, counts.filtered, counts.dropped, counts.captured]
  }
}

extension CaptureConfiguration {
  /// A configuration with some of its settings.
  static func with(_ configure: (inout CaptureConfiguration) -> Void) -> CaptureConfiguration {
    var configuration = CaptureConfiguration()
    configure(&configuration)
    return configuration
  }
}

extension Bench {
  /// Takes out all that is there of frames whose senders have their buffers back.
  ///
  /// A breath gives those back first and lets captures have their records last: who looked at once could miss the last
  /// ones. A question that the worker answers between two breaths waits for that.
  func drain(_ capture: CaptureHandle) async -> [Captured] {
    _ = await dataplane.ports()
    return capture.drain()
  }
}

extension DrivenBench {
  func capture(
    _ ports: [Int], _ configure: (inout CaptureConfiguration) -> Void = { _ in }
  ) throws -> CaptureHandle {
    let capture = worker.capture(ports: ports, .with(configure))
    return try #require(capture)
  }
}

extension FilterProgram {
  /// Frames whose byte `offset` is `value`.
  static func byte(_ offset: UInt32, is value: UInt32) throws -> FilterProgram {
    try FilterProgram([
      FilterInstruction(0x30, 0, 0, offset), FilterInstruction(0x15, 0, 1, value), FilterInstruction(6, 0, 0, 0xFFFF),
      FilterInstruction(6, 0, 0, 0),
    ])
  }
}
