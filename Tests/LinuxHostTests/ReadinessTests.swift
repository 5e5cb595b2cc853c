import CLinux
import Foundation
import Testing

@testable import LinuxHost

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

  /// A wait that is ended in the middle of its beginning leaves no watch behind, whose number the next copy of the
  /// descriptor would have.
  @Test func waitsThatEndAtOnceLeaveNothing() async throws {
    let event = try EventDescriptor()
    let begins = try EventDescriptor()
    let ended = try EventDescriptor()
    let watcher = try ReadinessWatcher { epoll, descriptor, number throws(SystemError) in
      begins.signal()
      // The end comes first wherever it can; where it must wait for the beginning, as it should, this is over in a while.
      _ = clinux_poll_readable(ended.raw, 200)
      try ReadinessWatcher.watch(epoll, descriptor, number)
    }
    let ender = try HostThread.start(name: "ender", cpu: nil) {
      _ = clinux_poll_readable(begins.raw, -1)
      watcher.finish(1, .success(false))
      ended.signal()
    }
    let copy = try event.descriptor.duplicate()
    let result = await withCheckedContinuation { continuation in
      watcher.add(1, ReadinessWatcher.Waiter(descriptor: copy, deadline: nil, continuation: continuation))
    }
    ender.join()
    #expect(try !result.get())
    // Its bell is what it still watches.
    let watches = try String(contentsOfFile: "/proc/self/fdinfo/\(watcher.epoll.descriptor.raw)", encoding: .utf8)
    #expect(watches.split(separator: "\n").count { $0.hasPrefix("tfd:") } == 1, "\(watches)")
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
