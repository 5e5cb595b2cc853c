import FoundationEssentials

/// An answer of QEMU's guest agent (QEMU docs/interop/qemu-ga-ref), as far as it matters here.
struct QEMUGuestAgentAnswer: Sendable, Equatable {
  /// The number of a `guest-sync`.
  var number: Int?
  /// Process of a `guest-exec`.
  var process: Int?
  var status: CommandStatus?
  /// What was wrong with the request.
  var error: String?

  /// What `guest-exec-status` says.
  struct CommandStatus: Sendable, Equatable {
    var hasExited = false
    var code: Int32?
    var signal: Int32?
    var output: [UInt8] = []
    var error: [UInt8] = []
  }

  private struct Line: Decodable {
    struct Fault: Decodable {
      var desc: String?
    }
    struct Value: Decodable {
      var pid: Int?
      var exited: Bool?
      var exitcode: Int32?
      var signal: Int32?
      var output: String?
      var error: String?

      enum CodingKeys: String, CodingKey {
        case pid, exited, exitcode, signal
        case output = "out-data"
        case error = "err-data"
      }
    }
    var number: Int?
    var value: Value?
    var error: Fault?

    enum CodingKeys: String, CodingKey {
      case answer = "return"
      case error
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      error = try container.decodeIfPresent(Fault.self, forKey: .error)
      number = try? container.decodeIfPresent(Int.self, forKey: .answer)
      value = try? container.decodeIfPresent(Value.self, forKey: .answer)
    }
  }

  /// nil for a line that is no answer: the guest may say anything.
  init?(line: String) {
    // The agent begins an answer to a delimited request with a byte that no JSON has.
    let text = line.utf8.drop { $0 == 0xFF }
    guard let parsed = try? JSONDecoder().decode(Line.self, from: Data(text)) else { return nil }
    number = parsed.number
    process = parsed.value?.pid
    error = parsed.error.map { $0.desc ?? "unknown error" }
    guard let value = parsed.value, let exited = value.exited else { return }
    func bytes(_ text: String?) -> [UInt8] { text.flatMap { Data(base64Encoded: $0) }.map { [UInt8]($0) } ?? [] }
    status = CommandStatus(
      hasExited: exited, code: value.exitcode, signal: value.signal, output: bytes(value.output),
      error: bytes(value.error))
  }
}

extension QEMUGuestAgentAnswer {
  /// Exit status for a command that could not be started, as a shell's: 126 for what cannot be executed, else 127.
  ///
  /// The agent passes on the words of GLib, which end with those of strerror(3).
  static func status(ofRefusal reason: String) -> Int32 {
    let words = ["Permission denied", "Exec format error", "Is a directory"]
    return words.contains { reason.contains($0) } ? 126 : 127
  }
}

/// Requests to QEMU's guest agent.
enum QEMUGuestAgentRequest {
  private struct Request: Encodable {
    var execute: String
    var arguments: Arguments
  }

  private struct Arguments: Encodable {
    var id: Int?
    var pid: Int?
    var path: String?
    var arg: [String]?
    var capture: Bool?
    var input: Data?

    enum CodingKeys: String, CodingKey {
      case id, pid, path, arg
      case input = "input-data"
      case capture = "capture-output"
    }
  }

  static func sync(_ number: Int) -> String { line("guest-sync", Arguments(id: number)) }

  /// Starts a command, the program's name first.
  /// - Parameter input: all that it reads; nil: nothing.
  static func run(_ command: [String], input: [UInt8]? = nil) -> String {
    line(
      "guest-exec",
      Arguments(
        path: command.first ?? "", arg: Array(command.dropFirst()), capture: true, input: input.map { Data($0) }))
  }

  static func status(process: Int) -> String { line("guest-exec-status", Arguments(pid: process)) }

  private static func line(_ name: String, _ arguments: Arguments) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let data = try? encoder.encode(Request(execute: name, arguments: arguments))
    return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}
