import Lab

/// A text message of a client on a WebSocket; what is typed goes in binary ones.
enum SocketRequest: Sendable, Equatable {
  /// `{"type": "resize", "columns": 80, "rows": 24}`
  case resize(TerminalSize)
  /// `{"type": "end"}`
  case end
}

extension SocketRequest: Described {
  private enum CodingKeys: String, CodingKey { case type, columns, rows }
  private enum Word: String, Codable { case resize, end }

  func encode(to encoder: any Encoder) throws {
    var message = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .resize(let size):
      try message.encode(Word.resize, forKey: .type)
      try message.encode(size.columns, forKey: .columns)
      try message.encode(size.rows, forKey: .rows)
    case .end: try message.encode(Word.end, forKey: .type)
    }
  }

  init(from decoder: any Decoder) throws {
    let message = try decoder.container(keyedBy: CodingKeys.self)
    switch try message.decode(Word.self, forKey: .type) {
    case .resize:
      self = .resize(
        TerminalSize(
          rows: try message.decode(UInt16.self, forKey: .rows),
          columns: try message.decode(UInt16.self, forKey: .columns)))
    case .end: self = .end
    }
  }

  static let shape = Shape.either(
    EitherShape(
      name: "SocketRequest", text: "A text message to a console or a command.",
      shapes: [
        .object(
          "SocketResize", "The terminal's size has changed.",
          [
            Field("type", .choice(["resize"]), "Says so."),
            Field("columns", .integer(0...65535), "Characters of a line."),
            Field("rows", .integer(0...65535), "Lines."),
          ]),
        .object(
          "SocketEnd", "No more input comes: the command reads to its end, a console is left.",
          [Field("type", .choice(["end"]), "Says so.")]),
      ]))
}

/// A text message to a client on a WebSocket; what is printed goes in binary ones.
enum SocketNotice: Sendable, Equatable {
  /// `{"type": "exit", "code": 0}`: the command's end.
  case exit(Int32)
  /// `{"type": "lost", "count": 4096}`: bytes of a console that nobody read in time.
  case lost(Int)
  /// `{"type": "end", "reason": "taken"}` (or `closed`, `left`): a console's end.
  case ended(ConsoleEnd)
  /// `{"type": "error", "error": {"code": 1, "message": "..."}}`
  case error(ErrorBody)
}

extension SocketNotice: Described {
  private enum CodingKeys: String, CodingKey { case type, code, count, reason, error }
  private enum Word: String, Codable { case exit, lost, end, error }

  func encode(to encoder: any Encoder) throws {
    var message = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .exit(let code):
      try message.encode(Word.exit, forKey: .type)
      try message.encode(code, forKey: .code)
    case .lost(let count):
      try message.encode(Word.lost, forKey: .type)
      try message.encode(count, forKey: .count)
    case .ended(let end):
      try message.encode(Word.end, forKey: .type)
      try message.encode(end.rawValue, forKey: .reason)
    case .error(let error):
      try message.encode(Word.error, forKey: .type)
      try message.encode(error, forKey: .error)
    }
  }

  init(from decoder: any Decoder) throws {
    let message = try decoder.container(keyedBy: CodingKeys.self)
    switch try message.decode(Word.self, forKey: .type) {
    case .exit: self = .exit(try message.decode(Int32.self, forKey: .code))
    case .lost: self = .lost(try message.decode(Int.self, forKey: .count))
    case .end:
      let word = try message.decode(String.self, forKey: .reason)
      guard let end = ConsoleEnd(rawValue: word) else {
        throw DecodingError.dataCorruptedError(forKey: .reason, in: message, debugDescription: "\"\(word)\" is no end")
      }
      self = .ended(end)
    case .error: self = .error(try message.decode(ErrorBody.self, forKey: .error))
    }
  }

  static let shape = Shape.either(
    EitherShape(
      name: "SocketNotice", text: "A text message of a console or a command; all but `lost` are the last one.",
      shapes: [
        .object(
          "SocketExit", "The command has ended.",
          [
            Field("type", .choice(["exit"]), "Says so."),
            Field("code", .integer(Int.min...Int.max), "Its status; 128 + its signal."),
          ]),
        .object(
          "SocketLost", "Bytes of the console that nobody read in time.",
          [Field("type", .choice(["lost"]), "Says so."), Field("count", .count, "How many.")]),
        .object(
          "SocketEnded", "The console is gone.",
          [
            Field("type", .choice(["end"]), "Says so."),
            Field(
              "reason", .choice(ConsoleEnd.allCases.map(\.rawValue)), "Taken over, closed by the machine, or left."),
          ]),
        .object(
          "SocketError", "It failed.",
          [Field("type", .choice(["error"]), "Says so."), Field("error", ErrorBody.shape, "How.")]),
      ]))
}
