/// One thing of another tool's file that our lab does not have as it was, with its place.
package struct ImportNote: Sendable, Hashable {
  /// What became of it.
  package enum Outcome: String, Sendable, CaseIterable, Encodable {
    /// It is in the lab in another form, such as a name or a NIC's model.
    case changed
    /// It has no meaning here, so that nothing is missing without it.
    case withoutEffect = "without effect"
    /// It has no equal here.
    case lost
  }

  package var outcome: Outcome
  /// The file as the user named it, or its path in the folder that was given.
  package var path: String
  /// From 1; nil = of the file as a whole.
  package var line: Int?
  /// What is spoken of, in the tool's own words, such as `nodes.r1.binds`.
  package var key: String
  /// What became of it and why; for people, one line.
  package var reason: String

  package init(_ outcome: Outcome, path: String, line: Int?, key: String, reason: String) {
    self.outcome = outcome
    self.path = path
    self.line = line
    self.key = Self.cut(key)
    self.reason = Self.cut(reason)
  }

  /// Longest key and longest reason, in Unicode scalars: a stranger's word may be as long as its file.
  private static let longest = 300

  /// The beginning of a text, which does not hold on to the rest of it.
  static func cut(_ text: String) -> String {
    guard text.utf8.count > longest, let end = text.unicodeScalars.dropFirst(longest).indices.first else { return text }
    return String(text.unicodeScalars[..<end]) + "…"
  }
}

/// Why nothing could be made of other tools' files.
package struct ImportFault: Error, Sendable, Hashable {
  package var path: String
  /// From 1; nil = of the file as a whole.
  package var line: Int?
  /// What was found and what was expected.
  package var message: String
  package var hint: String?

  package init(path: String, line: Int? = nil, message: String, hint: String? = nil) {
    self.path = path
    self.line = line
    self.message = ImportNote.cut(message)
    self.hint = hint
  }
}

/// All that is wrong with other tools' files; at least one.
package struct ImportFaults: Error, Sendable {
  package var faults: [ImportFault]

  package init(_ faults: [ImportFault]) { self.faults = faults }

  package init(_ fault: ImportFault) { faults = [fault] }
}
