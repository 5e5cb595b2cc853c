import Foundation
import GuestKit
import LinuxHost

/// QMP of a machine that the test itself starts, which one question after the other goes to.
final class MachineMonitor {
  private let socket: Descriptor
  private var unread: [UInt8] = []
  /// What QEMU has told by itself so far, oldest first.
  private(set) var events: [JSON] = []

  /// Connects, and agrees with QEMU on its plain language.
  init(path: String) throws {
    socket = try UnixSocket.connect(path: path)
    while try line(within: 60)["QMP"] == .null {}
    _ = try answer(to: "qmp_capabilities", [:], within: 60)
  }

  /// Has a command carried out and returns what it returns; an error of QEMU's is thrown.
  @discardableResult
  func ask(_ command: String, _ arguments: [String: JSON] = [:], within seconds: Int = 60) throws -> JSON {
    let answer = try answer(to: command, arguments, within: seconds)
    guard answer["error"] == .null else { throw Failure("\(command): \(answer)") }
    return answer["return"]
  }

  /// As `ask`, for a command that QEMU is to refuse; returns its words.
  func refusal(of command: String, _ arguments: [String: JSON] = [:]) throws -> String {
    let answer = try answer(to: command, arguments, within: 60)
    guard let words = answer["error"]["desc"].text else { throw Failure("\(command) was not refused: \(answer)") }
    return words
  }

  private func answer(to command: String, _ arguments: [String: JSON], within seconds: Int) throws -> JSON {
    let question: JSON = ["execute": .text(command), "arguments": .fields(arguments)]
    let bytes = Array("\(question)\n".utf8)
    guard try UnixSocket.send(socket, bytes) == bytes.count else { throw Failure("QEMU does not read its monitor") }
    while true {
      let line = try line(within: seconds)
      if line["event"] == .null { return line }
      events.append(line)
    }
  }

  private func line(within seconds: Int) throws -> JSON {
    let deadline = Deadline(milliseconds: seconds * 1000)
    while true {
      if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
        defer { unread.removeSubrange(...end) }
        return try JSON(parsing: Data(unread[..<end]))
      }
      guard deadline.waitReadable([socket.raw]) else { throw Failure("QEMU's monitor does not answer") }
      switch try UnixSocket.receive(socket, size: 65536, maximumDescriptors: 0) {
      case .data(let bytes, _): unread += bytes
      case .wouldBlock: break
      case .end: throw Failure("QEMU is gone")
      }
    }
  }
}
