import Glibc
import LinuxHost
import Testing

@Suite struct ReadinessTests {
  @Test func endsWhenReadable() async throws {
    let event = try EventDescriptor()
    async let isReady = Readiness.wait(for: event.descriptor, timeoutSeconds: nil)
    event.signal()
    #expect(try await isReady)
  }

  @Test func endsWhenTheTimeIsOver() async throws {
    let event = try EventDescriptor()
    #expect(try await !Readiness.wait(for: event.descriptor, timeoutSeconds: 0))
    #expect(try await !Readiness.wait(for: event.descriptor, timeoutSeconds: 0.001))
  }

  /// No watch is left behind, whose number the next copy of the descriptor would have.
  @Test func waitsThatEndAtOnceLeaveNothing() async throws {
    let event = try EventDescriptor()
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<2000 where try await Readiness.wait(for: event.descriptor, timeoutSeconds: 0) { return true }
          return false
        }
      }
      for try await isReady in group { #expect(!isReady) }
    }
  }

  @Test func manyWaitForOne() async throws {
    let event = try EventDescriptor()
    let results = try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<10 {
        group.addTask { try await Readiness.wait(for: event.descriptor, timeoutSeconds: 60) }
      }
      event.signal()
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(results == Array(repeating: true, count: 10))
  }

  @Test func plainFilesAreAlwaysReadable() async throws {
    let file = Descriptor(owning: open("/etc/passwd", O_RDONLY | O_CLOEXEC))
    #expect(try await Readiness.wait(for: file, timeoutSeconds: nil))
  }

  @Test func cancelledTasksDoNotWait() async throws {
    let event = try EventDescriptor()
    for _ in 0..<50 {
      let task = Task { try await Readiness.wait(for: event.descriptor, timeoutSeconds: nil) }
      task.cancel()
      #expect(try await !task.value)
    }
  }
}
