import GuestKit
import LinuxHost
import VhostUser

/// A front-end's socket at whose other end a session reads, as the reactor does, all that is there.
final class PumpedSocket: Transport {
  let owner = RecordingOwner()
  private let socket: SocketTransport
  private var backEnd: Descriptor?
  private var unsent = OutgoingQueue()
  private(set) var session: Session?
  private(set) var failure: String?

  init(_ makeSession: (RecordingOwner) -> Session = { Session(owner: $0) }) throws {
    let (near, far) = try UnixSocket.pair()
    socket = SocketTransport(near)
    backEnd = far
    session = makeSession(owner)
  }

  func send(_ bytes: [UInt8], descriptors: [Descriptor]) throws {
    try socket.send(bytes, descriptors: descriptors)
    pump()
  }

  func receive(_ count: Int, until deadline: Deadline) throws -> [UInt8] {
    try socket.receive(count, until: deadline)
  }

  func takeDescriptors() -> [Descriptor] { socket.takeDescriptors() }

  private func pump() {
    do {
      while let backEnd, let session, try step(backEnd, session) {}
    } catch {
      failure = "\(error)"
      session = nil
      backEnd = nil
      unsent = OutgoingQueue()
    }
  }

  private func step(_ backEnd: Descriptor, _ session: Session) throws -> Bool {
    unsent.append(session.takeOutgoing())
    guard try unsent.send(to: backEnd) else { return false }
    if let completion = owner.completion {
      owner.completion = nil
      try session.complete(completion)
      return true
    }
    let received = try UnixSocket.receive(
      backEnd, size: session.wantedSize, maximumDescriptors: Session.maximumDescriptors)
    guard case .data(let bytes, let descriptors) = received else { return false }
    try session.receive(bytes, descriptors: descriptors)
    return true
  }
}
