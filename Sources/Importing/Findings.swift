import Frames
import Topology

/// What is wrong with a file that is read, and what is to be told of it: collected, so that a person sees all at once.
struct Findings {
  /// Faults of one file that are told.
  static let mostFaults = 50
  /// Notes of one file that are told: a file of a stranger is not to fill the terminal.
  static let mostNotes = 10_000

  /// NICs of a lab, as in a lab file.
  private static let mostNICs = 100_000

  let path: String
  private(set) var faults: [ImportFault] = []
  private var kept: [ImportNote] = []
  /// Notes that are not told.
  private var cut = 0
  private var nics = 0

  init(path: String) { self.path = path }

  /// Something because of which nothing can be made of the file.
  mutating func fault(_ message: String, line: Int?, hint: String? = nil) {
    guard faults.count < Self.mostFaults else { return }
    faults.append(ImportFault(path: path, line: line, message: message, hint: hint))
  }

  /// Something that is to be told, such as of another file.
  mutating func note(_ note: ImportNote) {
    if kept.count < Self.mostNotes { kept.append(note) } else { cut += 1 }
  }

  /// All notes; of too many the first ones, and how many more there are.
  var notes: [ImportNote] {
    guard cut > 0 else { return kept }
    let reason = "\(cut) more findings of this file are not told"
    return kept + [ImportNote(.lost, path: path, line: nil, key: "file", reason: reason)]
  }

  /// Something of this file that our lab does not have as it was.
  mutating func note(_ outcome: ImportNote.Outcome, _ key: String, line: Int?, _ reason: String) {
    note(ImportNote(outcome, path: path, line: line, key: key, reason: reason))
  }

  /// Counts NICs that a few characters of the file declare; answers false, and is a fault, once there are too many.
  mutating func hasRoom(forNICs count: Int, line: Int?) -> Bool {
    let isFirst = nics <= Self.mostNICs
    nics += count
    if nics > Self.mostNICs, isFirst { fault("the file declares more than \(Self.mostNICs) NICs", line: line) }
    return nics <= Self.mostNICs
  }

  /// Throws the faults if there are any.
  func check() throws(ImportFaults) {
    if !faults.isEmpty { throw ImportFaults(faults) }
  }

  /// A whole number that a value must be; nil when nothing stands there, or when it was a fault.
  mutating func number(_ value: ForeignValue?, _ key: String, in range: ClosedRange<Int>) -> Int? {
    guard let value, !value.isNull else { return nil }
    guard let text = value.text, let number = Self.whole(text), range.contains(number) else {
      let expected = "a number from \(range.lowerBound) to \(range.upperBound)"
      fault("\(key) must be \(expected), found \(value.found)", line: value.line)
      return nil
    }
    return number
  }

  /// A number that is `12` or, as some programs write it, `12.0`.
  private static func whole(_ text: String) -> Int? {
    if let number = Int(text) { return number }
    guard let number = Double(text), number.isFinite, number == number.rounded() else { return nil }
    return Int(exactly: number)
  }

  /// The words that a value must be; nil when nothing stands there, or when it was a fault.
  mutating func text(_ value: ForeignValue?, _ key: String) -> String? {
    guard let value, !value.isNull else { return nil }
    if let text = value.text { return text }
    fault("\(key) must be a word or a number, found \(value.found)", line: value.line)
    return nil
  }

  /// The items of a list that may be missing.
  mutating func list(_ value: ForeignValue?, _ key: String) -> [ForeignValue] {
    guard let value, !value.isNull else { return [] }
    if let list = value.list { return list }
    fault("\(key) must be a list, found \(value.found)", line: value.line)
    return []
  }

  /// The mappings of a list that may be missing.
  mutating func mappings(_ value: ForeignValue?, _ key: String) -> [ForeignValue] {
    var mappings: [ForeignValue] = []
    for item in list(value, key) {
      if item.mapping != nil {
        mappings.append(item)
      } else {
        fault("\(key) must hold mappings, found \(item.found)", line: item.line)
      }
    }
    return mappings
  }

  /// A MAC address as our files write it; nil when a NIC cannot have it, which is told.
  mutating func mac(_ text: String, _ key: String, line: Int?) -> String? {
    guard let address = ImportWord.macAddress(text) else {
      note(.lost, key, line: line, "\(text.inQuotes) is no MAC address")
      return nil
    }
    guard !address.isGroup, !address.isZero else {
      note(.lost, key, line: line, "no NIC can have the MAC address \(text.inQuotes)")
      return nil
    }
    return address.description
  }
}

extension String {
  /// As a message shows a stranger's word: in quotes, on one line, its beginning if it is long.
  var inQuotes: String {
    var shown = "\""
    for scalar in unicodeScalars.prefix(80) {
      if !ForeignText.isControl(scalar) {
        shown.unicodeScalars.append(scalar)
      } else {
        shown += "\\u{\(String(scalar.value, radix: 16))}"
      }
    }
    return shown + (unicodeScalars.count > 80 ? "…\"" : "\"")
  }
}
