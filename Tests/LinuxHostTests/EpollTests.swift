import Glibc
import LinuxHost
import Testing

@Suite struct EpollTests {
  @Test func recordHasTheLayoutOfCLinux() {
    #expect(MemoryLayout<EpollEvent>.stride == 16)
    #expect(MemoryLayout<EpollEvent>.offset(of: \.token) == 0)
    #expect(MemoryLayout<EpollEvent>.offset(of: \.events) == 8)
  }

  @Test func reportsTokensAndEvents() throws {
    let epoll = try Epoll()
    let first = try EventDescriptor()
    let second = try EventDescriptor()
    try epoll.add(first.raw, token: 1, events: Epoll.input)
    try epoll.add(second.raw, token: .max, events: Epoll.input)
    var events = [EpollEvent](repeating: EpollEvent(), count: 8)
    #expect(epoll.wait(into: &events, timeoutMilliseconds: 0) == 0)
    second.signal()
    #expect(epoll.wait(into: &events, timeoutMilliseconds: -1) == 1)
    #expect(events[0] == EpollEvent(token: .max, events: Epoll.input))
    #expect(events.count == 8)
    first.signal()
    #expect(epoll.wait(into: &events, timeoutMilliseconds: -1) == 2)
    #expect(Set(events.prefix(2).map(\.token)) == [1, .max])
  }

  @Test func arrayBoundsTheNumberOfEvents() throws {
    let epoll = try Epoll()
    let descriptors = try (0..<3).map { _ in try EventDescriptor() }
    for (index, descriptor) in descriptors.enumerated() {
      try epoll.add(descriptor.raw, token: UInt64(index), events: Epoll.input)
      descriptor.signal()
    }
    var events = [EpollEvent](repeating: EpollEvent(), count: 2)
    #expect(epoll.wait(into: &events, timeoutMilliseconds: 0) == 2)
    var none: [EpollEvent] = []
    #expect(epoll.wait(into: &none, timeoutMilliseconds: 0) == 0)
  }

  @Test func edgeTriggeredReportsOnce() throws {
    let epoll = try Epoll()
    let event = try EventDescriptor()
    try epoll.add(event.raw, token: 7, events: Epoll.input | Epoll.edgeTriggered)
    event.signal()
    var events = [EpollEvent](repeating: EpollEvent(), count: 1)
    #expect(epoll.wait(into: &events, timeoutMilliseconds: 0) == 1)
    #expect(epoll.wait(into: &events, timeoutMilliseconds: 0) == 0)
    event.signal()
    #expect(epoll.wait(into: &events, timeoutMilliseconds: 0) == 1)
  }

  @Test func modifyAndRemove() throws {
    let epoll = try Epoll()
    let event = try EventDescriptor()
    try epoll.add(event.raw, token: 1, events: Epoll.input)
    #expect(throws: SystemError(call: "epoll_ctl", code: EEXIST, context: "add \(event.raw)")) {
      try epoll.add(event.raw, token: 2, events: Epoll.input)
    }
    try epoll.modify(event.raw, token: 3, events: Epoll.output)
    var events = [EpollEvent](repeating: EpollEvent(), count: 1)
    #expect(epoll.wait(into: &events, timeoutMilliseconds: 0) == 1)
    #expect(events[0] == EpollEvent(token: 3, events: Epoll.output))
    epoll.remove(event.raw)
    epoll.remove(event.raw)
    #expect(epoll.wait(into: &events, timeoutMilliseconds: 0) == 0)
  }

  @Test func shortWaitsEnd() throws {
    let epoll = try Epoll()
    var events = [EpollEvent](repeating: EpollEvent(), count: 1)
    #expect(epoll.wait(into: &events, timeoutMicroseconds: 50) == 0)
  }

  @Test func hangupIsReported() throws {
    let epoll = try Epoll()
    let (near, far) = try UnixSocket.pair()
    try epoll.add(near.raw, token: 9, events: Epoll.input | Epoll.readHangup)
    shutdown(far.raw, CInt(SHUT_RDWR))
    var events = [EpollEvent](repeating: EpollEvent(), count: 1)
    #expect(epoll.wait(into: &events, timeoutMilliseconds: -1) == 1)
    #expect(events[0].events & Epoll.hangup != 0)
    #expect(events[0].events & Epoll.readHangup != 0)
  }

  @Test func eventsAddUp() throws {
    let event = try EventDescriptor()
    #expect(event.drain() == 0)
    for _ in 0..<5 { event.signal() }
    #expect(event.drain() == 5)
    #expect(event.drain() == 0)
  }
}
