import FoundationEssentials

/// A value of QEMU's machine protocol, as commands need them.
enum QMPValue: Encodable, Sendable, Equatable {
  case text(String)
  case integer(Int)
  case boolean(Bool)
  case object([String: QMPValue])

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .text(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .boolean(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }
}

/// A command to QEMU's monitor.
struct QMPCommand: Sendable, Equatable {
  var name: String
  var arguments: [String: QMPValue] = [:]

  /// The command in a line; keys sorted.
  func line(id: Int) -> String {
    var whole: [String: QMPValue] = ["execute": .text(name), "id": .integer(id)]
    if !arguments.isEmpty { whole["arguments"] = .object(arguments) }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(QMPValue.object(whole))).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}

extension QMPCommand {
  /// The carrier that the guest sees on a NIC.
  static func setLink(device: String, up: Bool) -> QMPCommand {
    QMPCommand(name: "set_link", arguments: ["name": .text(device), "up": .boolean(up)])
  }

  /// Lets the guest's system say once, on all its NICs, which addresses it has.
  static let announceSelf = QMPCommand(
    name: "announce-self",
    arguments: ["initial": .integer(50), "max": .integer(50), "rounds": .integer(1), "step": .integer(50)])
}

/// A line of QEMU's machine protocol (QEMU docs/interop/qmp-spec), as far as it matters here.
struct QMPMessage: Equatable {
  var isGreeting = false
  var event: QEMUEvent?
  /// The command that this is the answer to, with what was wrong with it.
  var answer: (id: Int, error: String?)?

  static func == (one: QMPMessage, other: QMPMessage) -> Bool {
    one.isGreeting == other.isGreeting && one.event == other.event && one.answer?.id == other.answer?.id
      && one.answer?.error == other.answer?.error
  }

  private struct Line: Decodable {
    struct Ignored: Decodable {}
    struct Details: Decodable {
      var guest: Bool?
      var device: String?
    }
    struct Fault: Decodable {
      var desc: String?
    }
    var QMP: Ignored?
    var event: String?
    var data: Details?
    var id: Int?
    var error: Fault?
  }

  /// nil for what is not a JSON object.
  init?(line: String) {
    guard let parsed = try? JSONDecoder().decode(Line.self, from: Data(line.utf8)) else { return nil }
    isGreeting = parsed.QMP != nil
    if let id = parsed.id { answer = (id, parsed.error.map { $0.desc ?? "unknown error" }) }
    switch parsed.event {
    case "RESET": event = .reset
    case "SHUTDOWN": event = .shutdown(byGuest: parsed.data?.guest ?? false)
    case "GUEST_PANICKED": event = .guestPanicked
    case "DEVICE_DELETED": event = parsed.data?.device.map { .deviceDeleted($0) }
    default: break
    }
  }
}
