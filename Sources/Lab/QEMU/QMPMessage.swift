import FoundationEssentials

/// A value of QEMU's machine protocol.
enum QMPValue: Codable, Sendable, Equatable {
  case text(String)
  case integer(Int)
  /// What is no whole number, or a larger one than `Int` has.
  case number(Double)
  case boolean(Bool)
  case list([QMPValue])
  case object([String: QMPValue])
  case nothing

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .nothing
    } else if let value = try? container.decode(Bool.self) {
      self = .boolean(value)
    } else if let value = try? container.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let value = try? container.decode([QMPValue].self) {
      self = .list(value)
    } else {
      self = .object(try container.decode([String: QMPValue].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .text(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .boolean(let value): try container.encode(value)
    case .list(let values): try container.encode(values)
    case .object(let value): try container.encode(value)
    case .nothing: try container.encodeNil()
    }
  }

  /// A member of an object; nil if it has none of that name, or this is none.
  subscript(key: String) -> QMPValue? { if case .object(let members) = self { members[key] } else { nil } }

  var text: String? { if case .text(let value) = self { value } else { nil } }
  var items: [QMPValue] { if case .list(let values) = self { values } else { [] } }

  /// A number without its fraction; a larger one than there is room for is the largest.
  var integer: Int? {
    switch self {
    case .integer(let value): value
    case .number(let value) where value.isFinite: Int(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max)
    default: nil
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
  /// The command that this is the answer to.
  var answer: Answer?

  struct Answer: Equatable {
    var id: Int
    /// What was wrong with it; nil = nothing.
    var error: String?
    /// What it has brought.
    var value = QMPValue.nothing
  }

  private struct Line: Decodable {
    struct Ignored: Decodable {}
    struct Details: Decodable {
      var guest: Bool?
      var device: String?
      var status: String?
      var pass: Int?
    }
    struct Fault: Decodable {
      var desc: String?
    }
    var QMP: Ignored?
    var event: String?
    var data: Details?
    var id: Int?
    var error: Fault?
    var value: QMPValue?

    enum CodingKeys: String, CodingKey {
      case QMP, event, data, id, error
      case value = "return"
    }
  }

  /// nil for what is not a JSON object.
  init?(line: String) {
    guard let parsed = try? JSONDecoder().decode(Line.self, from: Data(line.utf8)) else { return nil }
    isGreeting = parsed.QMP != nil
    if let id = parsed.id {
      answer = Answer(id: id, error: parsed.error.map { $0.desc ?? "unknown error" }, value: parsed.value ?? .nothing)
    }
    switch parsed.event {
    case "RESET": event = .reset
    case "SHUTDOWN": event = .shutdown(byGuest: parsed.data?.guest ?? false)
    case "GUEST_PANICKED": event = .guestPanicked
    case "DEVICE_DELETED": event = parsed.data?.device.map { .deviceDeleted($0) }
    case "STOP": event = .stopped
    case "RESUME": event = .resumed
    case "MIGRATION": event = parsed.data?.status.map { .migration(MigrationPhase($0)) }
    case "MIGRATION_PASS": event = parsed.data?.pass.map { .migrationPass($0) }
    default: break
    }
  }
}
