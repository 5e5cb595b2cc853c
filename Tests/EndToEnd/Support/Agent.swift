import Foundation
import GuestKit
import LinuxHost

/// The host's side of the built-in guest's agent, for guests that the test itself starts.
struct Agent {
  private let path: String

  init(path: String) { self.path = path }

  /// Runs a command line in the guest, which may still be booting, and returns its exit status.
  func status(of command: String, within seconds: Int) throws -> Int {
    let socket = try UnixSocket.connect(path: path)
    let deadline = Deadline(milliseconds: seconds * 1000)
    var text = ""
    while !text.contains("pong p1\n") {
      _ = try UnixSocket.send(socket, Array("ping p1\n".utf8))
      text += try read(socket, until: Deadline(milliseconds: min(250, Int(deadline.remaining))))
      if deadline.remaining == 0 { throw Failure("the guest's agent at \(path) does not answer") }
    }
    _ = try UnixSocket.send(socket, Array("run r1 \(Data(command.utf8).base64EncodedString())\n".utf8))
    while true {
      for line in text.split(separator: "\n") where line.hasPrefix("exit r1 ") {
        if text.contains("\(line)\n"), let status = Int(line.dropFirst(8)) { return status }
      }
      text += try read(socket, until: deadline)
      if deadline.remaining == 0 { throw Failure("\(command) does not end; the guest said: \(text)") }
    }
  }

  private func read(_ socket: Descriptor, until deadline: Deadline) throws -> String {
    guard deadline.waitReadable([socket.raw]) else { return "" }
    switch try UnixSocket.receive(socket, size: 65536, maximumDescriptors: 0) {
    case .data(let bytes, _): return String(decoding: bytes, as: UTF8.self)
    case .wouldBlock: return ""
    case .end: throw Failure("the guest's agent at \(path) is gone")
    }
  }
}
