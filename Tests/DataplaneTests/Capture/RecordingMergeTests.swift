import LinuxHost
import Testing

@testable import Dataplane

/// Flight recorders of several workers, read as one.
@Suite struct RecordingMergeTests {
  private static let ports = [
    RecordedPort(name: "0", switchName: nil, kind: .vhostUser, address: [], index: 0, from: 0, until: .max),
    RecordedPort(name: "1", switchName: nil, kind: .vhostUser, address: [], index: 1, from: 0, until: .max),
  ]

  /// Records of those times, as a worker's recorder has them.
  private func snapshot(_ worker: Int, _ times: [UInt64], end: UInt64) -> FlightRecorder.Snapshot {
    var bytes: [UInt8] = []
    for time in times {
      var record = [UInt8](repeating: 0, count: FlightRecorder.recordSize)
      for place in 0..<8 { record[place] = UInt8(truncatingIfNeeded: time >> (8 * UInt64(place))) }
      bytes += record
    }
    return FlightRecorder.Snapshot(records: bytes, end: end, worker: worker)
  }

  @Test func framesAreInOrderOfTimeAndOfTheirWorkers() {
    // The second one's clock was set back between two records; equal times keep the order of workers.
    let snapshots = [
      snapshot(0, [10, 20, 20, 50], end: 4), snapshot(1, [15, 60, 30], end: 7), snapshot(2, [20], end: 1),
    ]
    let recording = FlightRecording(snapshots, ports: Self.ports, since: 0)
    #expect(recording.frames.map(\.timestamp) == [10, 15, 20, 20, 20, 50, 60, 30])
    let other: UInt64 = 1 << 56
    #expect(
      recording.frames.map(\.packetID) == [1, other + 5, 2, 3, 2 * other + 1, 4, other + 6, other + 7])
    let late = FlightRecording(snapshots, ports: Self.ports, since: 20)
    #expect(late.frames.map(\.timestamp) == [20, 20, 20, 50, 60, 30])
    #expect(FlightRecording([], ports: Self.ports, since: 0).frames.isEmpty)
  }

  @Test func workersShareTheMemory() throws {
    let capacity = { (size: Int) in size / FlightRecorder.recordSize }
    #expect(try FlightRecorder.each(of: 1, size: 8 << 20).map(\.capacity) == [capacity(8 << 20)])
    #expect(
      try FlightRecorder.each(of: 4, size: 8 << 20).map(\.capacity) == Array(repeating: capacity(2 << 20), count: 4))
    #expect(
      try FlightRecorder.each(of: 2, size: 512 << 10).map(\.capacity) == Array(repeating: capacity(512 << 10), count: 2)
    )
    #expect(try FlightRecorder.each(of: 2, size: 0).isEmpty)
  }

  /// Recordings and captures have the same numbers, and no two frames of the data plane have one.
  @Test func numbersAreThoseOfCaptures() throws {
    let team = try CapturingTeam(workers: 2, ringSize: 1, recorderSize: 1 << 20)
    var first = try CapturingWorker(0, of: team)
    var second = try CapturingWorker(1, of: team)
    for number in 0..<100 {
      if number % 3 == 0 { first.send(CapturingTeam.frame(0, number)) }
      second.send(CapturingTeam.frame(1, number))
      first.breathe()
      second.breathe()
    }
    let recording = FlightRecording(team.recorders.map { $0.snapshot() }, ports: Self.ports, since: 0)
    let times = recording.frames.map(\.timestamp)
    #expect(recording.frames.count == 134 && times == times.sorted())
    #expect(Set(recording.frames.map(\.packetID)).count == 134)
    var reader = team.reader()
    var bytes: [UInt8] = []
    var captured: [UInt64: [UInt8]] = [:]
    while let record = reader.next(into: &bytes) { captured[record.packetID] = bytes }
    #expect(captured.count == 134)
    for frame in recording.frames { #expect(captured[frame.packetID] == frame.bytes) }
    // One worker's numbers are as they were with one worker.
    #expect(recording.frames.map(\.packetID).filter { $0 >> 56 == 0 } == Array(1...34))
    // Who looks often gets each frame once.
    let seen = RecordingPosition(team.recorders.map { $0.snapshot() })
    second.send(CapturingTeam.frame(1, 100))
    let news = team.recorders.enumerated().map { $1.snapshot(from: seen.end(of: $0)) }
    #expect(FlightRecording(news, ports: Self.ports, since: 0).frames.map(\.packetID) == [1 << 56 | 101])
  }
}
