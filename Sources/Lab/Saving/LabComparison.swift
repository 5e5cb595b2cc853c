import FoundationEssentials
import Topology

/// Whether two canonical forms are the same lab, wherever their files lie.
enum LabComparison {
  /// A lab, and the folders by which its paths begin.
  struct Side {
    var lab: CanonicalLab
    /// Folder of logs, disks and images.
    var dataRoot: String
  }

  /// Differences that a person is told.
  private static let mostTold = 5

  /// What of `wanted` is not as in `saved`: `nodes.vm1.memory: saved 134217728, now 268435456`; empty = nothing.
  ///
  /// Where the file lies does not count, nor where an image does: by what it is it is looked at elsewhere.
  static func differences(_ saved: Side, _ wanted: Side) throws(UserError) -> [String] {
    var found: [String] = []
    compare(try tree(of: saved), try tree(of: wanted), "", &found)
    let more = found.count - mostTold
    return Array(found.prefix(mostTold)) + (more > 0 ? ["and \(more) more"] : [])
  }

  private static func tree(of side: Side) throws(UserError) -> PlainValue {
    var lab = side.lab
    let directory = lab.directory
    (lab.directory, lab.source) = ("", "")
    for index in lab.nodes.indices where lab.nodes[index].disk != nil && !lab.nodes[index].hasNoImage {
      lab.nodes[index].image = "an image"
    }
    let bytes = try encoded(lab)
    do {
      return try JSONDecoder().decode(PlainValue.self, from: Data(bytes))
        .replacing([(directory, "."), (side.dataRoot, "<data>")])
    } catch {
      throw UserError(.failed, "cannot compare labs: \(ErrorWords.of(error))")
    }
  }

  private static func compare(_ saved: PlainValue?, _ wanted: PlainValue?, _ place: String, _ found: inout [String]) {
    guard saved != wanted else { return }
    switch (saved, wanted) {
    case (.object(let one)?, .object(let other)?):
      for key in Set(one.keys).union(other.keys).sorted() {
        compare(one[key], other[key], place.isEmpty ? key : "\(place).\(key)", &found)
      }
    case (.list(let one)?, .list(let other)?):
      guard let ones = named(one), let others = named(other) else {
        guard one.count == other.count else { break }
        for (index, pair) in zip(one, other).enumerated() { compare(pair.0, pair.1, "\(place)[\(index)]", &found) }
        return
      }
      let before = found.count
      for key in Set(ones.keys).union(others.keys).sorted() {
        compare(ones[key], others[key], "\(place).\(key)", &found)
      }
      if found.count == before { found.append("\(place): in another order") }
      return
    default: break
    }
    if case (.object?, .object?) = (saved, wanted) { return }
    found.append("\(place): saved \(saved?.words ?? "nothing"), now \(wanted?.words ?? "nothing")")
  }

  /// Items by their names; nil if not each has one of its own.
  private static func named(_ items: [PlainValue]) -> [String: PlainValue]? {
    var named: [String: PlainValue] = [:]
    for item in items {
      guard case .object(let members) = item, case .text(let name)? = members["name"],
        named.updateValue(item, forKey: name) == nil
      else { return nil }
    }
    return named
  }
}

/// A value of JSON, whatever it is of.
enum PlainValue: Decodable, Sendable, Equatable {
  case null
  case boolean(Bool)
  case number(Double)
  case text(String)
  case list([PlainValue])
  case object([String: PlainValue])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .boolean(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let value = try? container.decode([PlainValue].self) {
      self = .list(value)
    } else {
      self = .object(try container.decode([String: PlainValue].self))
    }
  }

  /// With other beginnings of paths: the first that fits, each a folder and what stands for it.
  func replacing(_ folders: [(folder: String, word: String)]) -> PlainValue {
    switch self {
    case .text(let text):
      for (folder, word) in folders where folder.count > 1 && (text == folder || text.hasPrefix("\(folder)/")) {
        return .text(word + text.dropFirst(folder.count))
      }
      return self
    case .list(let items): return .list(items.map { $0.replacing(folders) })
    case .object(let members): return .object(members.mapValues { $0.replacing(folders) })
    case .null, .boolean, .number: return self
    }
  }

  /// For a person, on one line.
  var words: String {
    switch self {
    case .null: "nothing"
    case .boolean(let value): "\(value)"
    case .number(let value): Int(exactly: value).map { "\($0)" } ?? "\(value)"
    case .text(let text): "\"\(ShownText.line(text))\""
    case .list(let items): items.count == 1 ? "1 item" : "\(items.count) items"
    case .object(let members):
      if case .text(let name)? = members["name"] { "\"\(ShownText.line(name))\"" } else { "something" }
    }
  }
}
