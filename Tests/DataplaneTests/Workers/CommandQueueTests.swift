import LinuxHost
import Synchronization
import Testing

@testable import Dataplane

/// The way into a thread that owns its state.
@Suite struct CommandQueueTests {
  /// What the commands change.
  struct State: ~Copyable {
    var values: [Int] = []
  }

  @Test func commandsRunInTheOrderInWhichTheyCame() throws {
    let queue = try CommandQueue<State>()
    var state = State()
    #expect(!queue.isWaiting)
    for value in 0..<100 { queue.submit { $0.values.append(value) } }
    #expect(queue.isWaiting)
    #expect(queue.count == 0)
    queue.coldRun(&state)
    #expect(!queue.isWaiting)
    #expect(state.values == Array(0..<100))
    #expect(queue.count == 100)
    queue.coldRun(&state)
    #expect(state.values.count == 100)
  }

  /// Neither lost nor run in the middle of the others: the thread gets back to its work between two looks.
  @Test func aCommandOfACommandRunsAtTheNextLook() throws {
    let queue = try CommandQueue<State>()
    var state = State()
    queue.submit { state in
      state.values.append(1)
      queue.submit { $0.values.append(3) }
    }
    queue.submit { $0.values.append(2) }
    queue.coldRun(&state)
    #expect(state.values == [1, 2])
    #expect(queue.isWaiting)
    queue.coldRun(&state)
    #expect(state.values == [1, 2, 3])
  }

  /// Once for all that wait: a thread that is behind is not woken for each.
  @Test func theBellRingsOnceForAllThatWait() throws {
    let queue = try CommandQueue<State>()
    var state = State()
    #expect(queue.bell.drain() == 0)
    for _ in 0..<2 {
      for _ in 0..<3 { queue.submit { $0.values.append(1) } }
      #expect(queue.bell.drain() == 1)
      queue.coldRun(&state)
    }
    #expect(state.values.count == 6)
  }

  /// A thread that looks only when the bell has rung misses nothing.
  @Test func whoeverSleepsIsWokenForEachCommand() throws {
    let queue = try CommandQueue<State>()
    let epoll = try Epoll()
    try epoll.add(queue.bell.raw, token: 1, events: Epoll.input)
    let (threadCount, perThread) = (4, 5000)
    let threads = try (0..<threadCount).map { _ in
      try HostThread.start(name: "sender", cpu: nil) {
        for value in 0..<perThread { queue.submit { $0.values.append(value) } }
      }
    }
    var state = State()
    var events = [EpollEvent()]
    while state.values.count < threadCount * perThread {
      // Senders that are slow are waited for; those that have not rung, in vain.
      guard epoll.wait(into: &events, timeoutMilliseconds: 60_000) > 0 else { break }
      queue.bell.drain()
      if queue.isWaiting { queue.coldRun(&state) }
    }
    for thread in threads { thread.join() }
    #expect(state.values.count == threadCount * perThread)
  }

  /// Whoever hands a command over then runs it, and what it hands over; nobody waits for a thread that is no more.
  @Test func commandsAfterTheEndRunAtOnce() throws {
    let queue = try CommandQueue<State>()
    let (threadCount, perThread) = (4, 2000)
    let threads = try (0..<threadCount).map { thread in
      try HostThread.start(name: "sender", cpu: nil) {
        for value in 0..<perThread { queue.submit { $0.values.append(thread * perThread + value) } }
      }
    }
    var state = State()
    queue.submit { state in queue.submit { $0.values.append(-1) } }
    queue.coldRun(&state)
    queue.coldEnd(leaving: state)
    for thread in threads { thread.join() }
    let seen = Mutex<[Int]>([])
    queue.submit { state in
      queue.submit { state in seen.withLock { $0 = state.values } }
      state.values.append(-2)
    }
    let values = seen.withLock { $0 }
    #expect(values.last == -2)
    #expect(values.count == threadCount * perThread + 2)
    for thread in 0..<threadCount {
      #expect(
        values.filter { $0 >= 0 && $0 / perThread == thread }
          == Array(thread * perThread..<(thread + 1) * perThread))
    }
  }

  /// Many threads at once: each one's commands run once and in its order, and none is left when nothing is waiting.
  @Test func commandsOfManyThreadsAllRun() throws {
    let queue = try CommandQueue<State>()
    let (threadCount, perThread) = (4, 2000)
    let threads = try (0..<threadCount).map { thread in
      try HostThread.start(name: "sender", cpu: nil) {
        for value in 0..<perThread { queue.submit { $0.values.append(thread * perThread + value) } }
      }
    }
    var state = State()
    let deadline = ContinuousClock.now + .seconds(60)
    while state.values.count < threadCount * perThread, ContinuousClock.now < deadline {
      if queue.isWaiting { queue.coldRun(&state) }
    }
    for thread in threads { thread.join() }
    #expect(state.values.count == threadCount * perThread)
    for thread in 0..<threadCount {
      let own = state.values.filter { $0 / perThread == thread }
      #expect(own == Array(thread * perThread..<(thread + 1) * perThread))
    }
    queue.coldRun(&state)
    #expect(queue.count == threadCount * perThread)
    #expect(!queue.isWaiting)
  }
}
