import LinuxHost
import Testing

@testable import Lab

/// Standard output as others hand it to us.
@Suite(.timeLimit(.minutes(2))) struct InheritedOutputTests {
  @Test func aPipeThatWantsNoWaitingGetsAllOfIt() async throws {
    // Neither end blocks, as where a parent reads and writes by events.
    let (reader, writer) = try UnixSocket.pair()
    let bytes = (0..<(4 << 20)).map { UInt8(truncatingIfNeeded: $0 / 251) }
    async let failure = Task.detached { InheritedOutput.write(bytes, to: writer) }.value
    var received: [UInt8] = []
    while received.count < bytes.count {
      switch try UnixSocket.receive(reader, size: 1 << 16, maximumDescriptors: 0) {
      case .data(let piece, _): received += piece
      case .wouldBlock: _ = try await Readiness.wait(for: reader, timeoutSeconds: 30)
      case .end: Issue.record("the writer has gone")
      }
    }
    #expect(await failure == nil)
    #expect(received == bytes)
  }

  @Test func whatCannotBeWrittenIsSaid() throws {
    let full = try Descriptor.createFile("/dev/full")
    #expect(InheritedOutput.write([1], to: full) == 28)  // ENOSPC
    #expect(InheritedOutput.write([], to: full) == nil)
  }
}
