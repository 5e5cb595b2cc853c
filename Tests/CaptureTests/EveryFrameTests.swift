import Capture
import Dataplane
import Glibc
import GuestKit
import Synchronization
import Testing

/// Many frames of mixed sizes: all of them are in the capture, byte by byte, in order at each port.
///
/// `APUS_CAPTURE_FRAMES` says how many; a million pass through the program itself in the end-to-end tests.
@Suite struct EveryFrameTests {
  private static let count = getenv("APUS_CAPTURE_FRAMES").flatMap { Int(String(cString: $0)) } ?? 10_000
  private static let burst = 50

  /// Reads the capture as it comes, and compares.
  private final class Checker: Sendable {
    struct State: Sendable {
      var reader = CaptureFileReader()
      var next = [0, 0]
      var wrong = 0
    }
    let state = Mutex(State())
    let frames: [[UInt8]]

    init(_ frames: [[UInt8]]) { self.frames = frames }

    func add(_ bytes: [UInt8]) {
      state.withLock { state in
        state.reader.append(bytes)
        while case .some(let item) = try? state.reader.next() {
          guard case .packet(let packet) = item else { continue }
          let port = Int(packet.packet.interface)
          if packet.bytes != frames[state.next[port] % frames.count] { state.wrong += 1 }
          state.next[port] += 1
        }
      }
    }
  }

  @Test func everyFrameIsThere() async throws {
    try await CaptureBench.with(ringSize: 256) { bench in
      // A prime number of them, so that bursts never repeat.
      let sizes = [60, 61, 64, 65, 66, 90, 128, 200, 256, 257, 300, 590, 1000, 1513, 1514, 2000]
      let frames = (0..<997).map { bench.frame(size: sizes[$0 % sizes.count], seed: $0) }
      let checker = Checker(frames)
      let session = try await CaptureSession.start(
        on: bench.dataplane, ports: ["a.eth0", "b.eth0"], .with { $0.tap.ringSize = 64 << 20 },
        to: ClosureSink { checker.add($0) })
      var sent = 0
      while sent < Self.count {
        try bench.send((0..<Self.burst).map { frames[(sent + $0) % frames.count] })
        sent += Self.burst
        // The reader is given time: what is proven here is not the ring's size.
        while session.status.written + 20_000 < UInt64(2 * sent) { try await Task.sleep(for: .milliseconds(2)) }
      }
      let status = await session.stop()
      let (next, wrong) = checker.state.withLock { ($0.next, $0.wrong) }
      #expect(next == [sent, sent] && wrong == 0)
      #expect(status.counts.received == UInt64(2 * sent) && status.written == UInt64(2 * sent))
      #expect(status.counts.dropped == 0)
    }
  }
}
