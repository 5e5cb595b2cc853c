import Glibc
import LinuxHost

/// The other side of a stream's port: what QEMU's `-netdev stream` does, and what it never would.
final class StreamPeer {
  enum Failure: Error { case refused, full, left }

  let socket: Descriptor
  /// Bytes of a frame that is not whole.
  private var rest: [UInt8] = []
  /// The other end has closed.
  private(set) var hasEnded = false

  init(_ socket: Descriptor) { self.socket = socket }

  /// Connects to a listener.
  convenience init(path: String) throws { self.init(try UnixSocket.connect(path: path)) }

  /// A frame behind its length.
  static func framed(_ frame: [UInt8]) -> [UInt8] { length(frame.count) + frame }

  static func length(_ size: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: size >> (24 - 8 * $0)) } }

  /// Sends frames with one call.
  func send(_ frames: [[UInt8]]) throws { try sendBytes(frames.flatMap(Self.framed)) }

  /// Sends bytes as they are.
  func sendBytes(_ bytes: [UInt8]) throws {
    guard try UnixSocket.send(socket, bytes) == bytes.count else { throw Failure.full }
  }

  /// All whole frames that have come since the last call.
  func receive() throws -> [[UInt8]] {
    while !hasEnded {
      let received = try? UnixSocket.receive(socket, size: 1 << 20, maximumDescriptors: 0)
      guard case .data(let bytes, _)? = received else {
        if case .wouldBlock? = received {} else { hasEnded = true }
        break
      }
      rest += bytes
    }
    var (frames, place): ([[UInt8]], Int) = ([], 0)
    while rest.count - place >= 4 {
      let size = rest[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
      guard rest.count - place - 4 >= size else { break }
      frames.append(Array(rest[place + 4..<place + 4 + size]))
      place += 4 + size
    }
    rest.removeFirst(place)
    return frames
  }
}
