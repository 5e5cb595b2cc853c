import GuestKit
import LinuxHost
import Testing
import VhostUser

/// A session behind a real unix socket, read as the reactor reads it: what the kernel does to descriptors counts here.
@Suite struct SocketTests {
  /// Sends by a socket, then lets the session at its other end read all that is there.
  @Test(arguments: VirtualGuest.Order.allCases)
  func guestsStartOverASocket(order: VirtualGuest.Order) throws {
    var options = VirtualGuest.Options()
    options.order = order
    options.pairs = 2
    options.memorySize = 8 << 20
    options.ringSize = 64
    let guest = try VirtualGuest(options)
    let socket = try PumpedSocket()
    try guest.start(FrontEnd(socket))
    #expect((0..<4).allSatisfy { socket.session?.ring($0)?.isStarted == true })
    #expect(guest.isMergeable)
    try guest.reboot()
    #expect((0..<4).allSatisfy { socket.session?.ring($0)?.isStarted == true })
    #expect(socket.failure == nil)
  }

  @Test(arguments: [9, 17, 32, 64, 253])
  func moreDescriptorsThanAnyMessageHasEndTheSession(count: Int) throws {
    let event = try EventDescriptor().descriptor
    for request: UInt32 in [5, 12, 1] {
      let socket = try PumpedSocket()
      try FrontEnd(socket).send(request, descriptors: [Descriptor](repeating: event, count: count))
      #expect(socket.session == nil && socket.failure != nil)
      #expect(openCopies(of: event) == 1)
    }
  }

  @Test func descriptorsWithAPayloadEndTheSession() throws {
    let event = try EventDescriptor().descriptor
    let socket = try PumpedSocket()
    try socket.send(MessageHeader(request: 12, flags: 1, size: 8).bytes, descriptors: [])
    try socket.send(words64(0), descriptors: [event])
    #expect(socket.session == nil)
    #expect(openCopies(of: event) == 1)
  }

  @Test func aHeaderMayComeByteByByteWithItsDescriptors() throws {
    let event = try EventDescriptor().descriptor
    let socket = try PumpedSocket()
    let bytes = MessageHeader(request: 13, flags: 1, size: 8).bytes + words64(1)
    for (position, byte) in bytes.enumerated() {
      try socket.send([byte], descriptors: position == 0 ? [event] : [])
    }
    #expect(socket.session?.ring(1)?.hasCall == true)
    #expect(openCopies(of: event) == 2)
  }
}
