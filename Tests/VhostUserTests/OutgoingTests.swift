import Glibc
import GuestKit
import LinuxHost
import Testing

@testable import VhostUser

/// Replies with descriptors, and the messages of a back-end's own.
@Suite struct OutgoingTests {
  /// A table in which two requests are answered with descriptors, as GET_INFLIGHT_FD and GET_SHARED_OBJECT are.
  private static func table(_ files: [Descriptor]) -> MessageTable {
    MessageTable(
      MessageTable.all + [
        MessageRow(.getInflightDescriptor, .exactly(8), replies: true) { _ in
          { _ in .reply(Reply(payload: words64(42), descriptors: files)) }
        },
        MessageRow(.getSharedObject, .exactly(0), replies: true) { _ in
          { _ throws(Refusal) in throw Refusal("there is none") }
        },
      ])
  }

  @Test func aReplyMayCarryDescriptors() throws {
    let files = [try makeMemoryFile(size: 4096), try EventDescriptor().descriptor]
    let session = Session(owner: RecordingOwner(), table: Self.table(files))
    try session.receive(MessageHeader(request: 31, flags: 1, size: 8).bytes)
    try session.receive(words64(0))
    let messages = session.takeOutgoing()
    #expect(messages.map(\.bytes) == [words32(31, 5, 8) + words64(42)])
    #expect(messages.first?.descriptors.map(\.raw) == files.map(\.raw))
    #expect(session.takeOutgoing().isEmpty)
  }

  @Test func itsDescriptorsComeOverASocketAndAreNotKept() throws {
    let files = [try makeMemoryFile(size: 4096), try EventDescriptor().descriptor]
    let table = Self.table(files)
    let socket = try PumpedSocket { Session(owner: $0, table: table) }
    let frontEnd = FrontEnd(socket)
    for turn in 0..<300 {
      try frontEnd.send(31, payload: words64(0))
      #expect(try frontEnd.readReply(31) == words64(42))
      let came = socket.takeDescriptors()
      #expect(came.count == 2 && files.map { openCopies(of: $0) } == [2, 2], "turn \(turn)")
      // The next reply has none of them.
      #expect(try frontEnd.getStatus() == 0 && socket.takeDescriptors().isEmpty)
    }
    #expect(files.map { openCopies(of: $0) } == [1, 1])
    // A refusal of such a message carries nothing, and ends the session as that of any other with a reply of its own.
    try frontEnd.send(41)
    #expect(socket.failure == "GET_SHARED_OBJECT: there is none" && socket.session == nil)
  }

  /// Answers that nobody reads: nothing is left of them when the session ends.
  @Test func unsentDescriptorsGoWithTheSession() throws {
    let file = try makeMemoryFile(size: 4096)
    do {
      let table = Self.table([try file.duplicate()])
      let session = Session(owner: RecordingOwner(), table: table)
      try session.receive(MessageHeader(request: 31, flags: 1, size: 8).bytes)
      try session.receive(words64(0))
      #expect(openCopies(of: file) == 2)
    }
    #expect(openCopies(of: file) == 1)
  }

  /// Reads all that is there; how many descriptors came with each read.
  private func read(_ socket: Descriptor, _ limit: Int = .max) throws -> (bytes: [UInt8], descriptors: [Int]) {
    var (all, counts) = ([UInt8](), [Int]())
    while all.count < limit,
      case .data(let bytes, let descriptors) = try UnixSocket.receive(
        socket, size: min(65536, limit - all.count), maximumDescriptors: 8)
    {
      all += bytes
      counts.append(descriptors.count)
    }
    return (all, counts)
  }

  @Test func aPartialSendKeepsTheRestWithoutDescriptors() throws {
    let (near, far) = try UnixSocket.pair()
    let file = try makeMemoryFile(size: 4096)
    let payload = (0..<1_500_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    var queue = OutgoingQueue()
    queue.append([
      .request(1, payload: payload, descriptors: [try file.duplicate()]),
      .request(2, descriptors: [try file.duplicate(), try file.duplicate()]),
    ])
    #expect(try queue.send(to: near) == false)
    #expect(queue.count == 2, "more than a socket holds")
    // One in the socket, two that wait: what went out is not held any more.
    #expect(openCopies(of: file) == 3)
    var got: [UInt8] = []
    var counts: [Int] = []
    while got.count < payload.count + 24 {
      let (bytes, descriptors) = try read(far)
      got += bytes
      counts += descriptors
      _ = try queue.send(to: near)
    }
    #expect(queue.isEmpty)
    #expect(got == words32(1, 1, 1_500_000) + payload + words32(2, 1, 0))
    #expect(counts.first == 1 && counts.last == 2 && counts.reduce(0, +) == 3)
    #expect(openCopies(of: file) == 1)
  }

  @Test func aQueueThatGoesClosesWhatItHolds() throws {
    let (near, far) = try UnixSocket.pair()
    let file = try makeMemoryFile(size: 4096)
    var queue = OutgoingQueue()
    for _ in 0..<5 {
      queue.append([.request(1, payload: [UInt8](repeating: 1, count: 400_000), descriptors: [try file.duplicate()])])
    }
    #expect(try queue.send(to: near) == false)
    queue = OutgoingQueue()
    #expect(openCopies(of: file) == 1)
    withExtendedLifetime(far) {}
    #expect(throws: SystemError.self) {
      var queue = OutgoingQueue()
      queue.append([.request(1)])
      _ = try queue.send(to: UnixSocket.connect(path: "/nowhere"))
    }
  }

  /// A front-end that does not read its channel costs so many messages, and no more; one that does gets all in order.
  @Test func aChannelIsBounded() throws {
    let (near, far) = try UnixSocket.pair()
    var channel = BackendChannel(near)
    let size = 20_000
    var sent = 0
    while try channel.send(.request(UInt32(sent), payload: [UInt8](repeating: 7, count: size))) { sent += 1 }
    #expect(channel.isWaiting && sent > BackendChannel.capacity)
    #expect(try channel.send(.request(99)) == false, "it stays full")
    var got: [UInt8] = []
    while got.count < sent * (size + 12) {
      got += try read(far).bytes
      try channel.flush()
    }
    #expect(!channel.isWaiting)
    for number in 0..<sent {
      let header = MessageHeader(Array(got[(number * (size + 12))...].prefix(12)))
      #expect(header == MessageHeader(request: UInt32(number), flags: 1, size: UInt32(size)))
    }
    #expect(try channel.send(.request(100)))
    #expect(try read(far).bytes == words32(100, 1, 0))
  }

  @Test func aChannelWhoseOtherEndHasGoneThrows() throws {
    var (near, far): (Descriptor, Descriptor?) = try UnixSocket.pair()
    var channel = BackendChannel(near)
    #expect(try channel.send(.request(1)))
    far = nil
    withExtendedLifetime(far) {}
    #expect(throws: SystemError.self) { _ = try channel.send(.request(2)) }
    // A socket that was never connected, or only listens, is no better.
    let lonely = Descriptor(owning: socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0))
    near = lonely
    channel = BackendChannel(near)
    #expect(throws: SystemError.self) { _ = try channel.send(.request(3)) }
  }
}
