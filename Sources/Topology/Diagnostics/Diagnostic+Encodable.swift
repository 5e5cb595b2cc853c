/// Diagnostics as `-o json` writes them.
extension Diagnostic: Encodable {
  private enum CodingKeys: String, CodingKey {
    case severity, code, file, path, line, column, length, message, hint, notes
  }

  /// `file` and `path` are the same; `hint` and `notes` are left out when there are none.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(severity, forKey: .severity)
    try container.encode(code, forKey: .code)
    try container.encode(path, forKey: .file)
    try container.encode(path, forKey: .path)
    try container.encode(line, forKey: .line)
    try container.encode(column, forKey: .column)
    try container.encode(length, forKey: .length)
    try container.encode(message, forKey: .message)
    try container.encodeIfPresent(hint, forKey: .hint)
    if !notes.isEmpty { try container.encode(notes, forKey: .notes) }
  }
}
