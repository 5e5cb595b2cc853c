import FoundationEssentials
import Lab

/// How much text a terminal shows.
package struct TerminalRow: Described, Equatable {
  package var rows: UInt16
  package var columns: UInt16

  package init(_ size: TerminalSize) { (rows, columns) = (size.rows, size.columns) }

  package var size: TerminalSize { TerminalSize(rows: rows, columns: columns) }

  package static let shape = Shape.object(
    "TerminalSize", "How much text a terminal shows.",
    [
      Field("rows", .integer(0...65535), "Lines."), Field("columns", .integer(0...65535), "Characters of a line."),
    ])
}

/// Body of `POST /v1/nodes/NODE/exec`, or the first line of it.
///
/// `{"command": ["wc", "-c"], "input": true}`; all but the command may be left out.
package struct ExecuteRequest: Described, Equatable {
  /// Program and arguments; at least the program.
  package var command: [String]
  /// Folder to run in and variables, for nodes that share this host's files.
  package var directory: String?
  package var environment: [String: String]?
  /// The umask of the caller.
  package var fileMask: UInt32?
  /// Lines with standard input follow.
  package var input: Bool?
  package var terminal: TerminalRow?

  package init(command: [String]) { self.command = command }

  private enum CodingKeys: String, CodingKey {
    case command, directory, environment, input, terminal
    case fileMask = "file_mask"
  }

  /// What the lab is asked for.
  /// - Parameter isFollowed: whether lines can follow.
  func commandRequest(isFollowed: Bool) -> CommandRequest {
    var request = CommandRequest(command)
    request.directory = directory
    request.environment = environment
    request.fileMask = fileMask
    request.takesInput = isFollowed && input == true
    request.terminal = terminal?.size
    return request
  }

  package static let shape = Shape.object(
    "ExecuteRequest", "A command to be run in a node.",
    [
      Field("command", .counted(.text, 1...Int.max), "Program and arguments; at least the program."),
      Field(optional: "directory", .text, "Folder to run in, for nodes that share this host's files.").onSocket(),
      Field(optional: "environment", .map(.text), "Variables, for the same nodes; of others, `TERM` counts."),
      Field(
        optional: "file_mask", .integer(0...Int(UInt32.max)), "Permission bits withheld from the files it makes."),
      Field(optional: "input", .boolean, "Lines with standard input follow."),
      Field(optional: "terminal", TerminalRow.shape, "It gets a terminal of that size."),
    ])
}

/// A line that follows a request, to a command or a console; the end of the body is the end of the input.
package enum InputLine: Sendable, Equatable {
  /// `{"in": BASE64}`
  case input([UInt8])
  /// `{"size": {"rows": 24, "columns": 80}}`
  case size(TerminalSize)
}

extension InputLine: Described {
  private enum CodingKeys: String, CodingKey {
    case input = "in"
    case size
  }

  package func encode(to encoder: any Encoder) throws {
    var line = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .input(let bytes): try line.encode(Data(bytes), forKey: .input)
    case .size(let size): try line.encode(TerminalRow(size), forKey: .size)
    }
  }

  package init(from decoder: any Decoder) throws {
    let line = try decoder.container(keyedBy: CodingKeys.self)
    if let bytes = try line.decodeIfPresent(Data.self, forKey: .input) {
      self = .input([UInt8](bytes))
    } else {
      self = .size(try line.decode(TerminalRow.self, forKey: .size).size)
    }
  }

  package static let shape = Shape.either(
    EitherShape(
      name: "InputLine", text: "What is typed, or a terminal's new size.",
      shapes: [
        .object("Input", "Standard input.", [Field("in", .bytes, "A piece of it.")]),
        .object("Resize", "The terminal's size has changed.", [Field("size", TerminalRow.shape, "The new one.")]),
      ]))
}

/// A line of what `POST /v1/nodes/NODE/exec` answers.
///
/// The last one is `exit` or `failed`.
package enum ExecuteLine: Sendable, Equatable {
  /// `{"out": BASE64}`, or `{"err": BASE64}`, or `{"exit": 0}`.
  case event(ExecuteEvent)
  /// `{"error": {"code": 1, "message": "..."}}`
  case failed(ErrorBody)
}

extension ExecuteLine: Described {
  private enum CodingKeys: String, CodingKey { case out, err, exit, error }

  package func encode(to encoder: any Encoder) throws {
    var line = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .event(.output(let bytes)): try line.encode(Data(bytes), forKey: .out)
    case .event(.error(let bytes)): try line.encode(Data(bytes), forKey: .err)
    case .event(.exit(let status)): try line.encode(status, forKey: .exit)
    case .failed(let error): try line.encode(error, forKey: .error)
    }
  }

  package init(from decoder: any Decoder) throws {
    let line = try decoder.container(keyedBy: CodingKeys.self)
    if let bytes = try line.decodeIfPresent(Data.self, forKey: .out) {
      self = .event(.output([UInt8](bytes)))
    } else if let bytes = try line.decodeIfPresent(Data.self, forKey: .err) {
      self = .event(.error([UInt8](bytes)))
    } else if let error = try line.decodeIfPresent(ErrorBody.self, forKey: .error) {
      self = .failed(error)
    } else {
      self = .event(.exit(try line.decode(Int32.self, forKey: .exit)))
    }
  }

  package static let shape = Shape.either(
    EitherShape(
      name: "ExecuteLine", text: "What a command says as it comes; the last line is its end.",
      shapes: [
        .object("Output", "Standard output.", [Field("out", .bytes, "A piece of it.")]),
        .object("ErrorOutput", "Standard error.", [Field("err", .bytes, "A piece of it.")]),
        .object("Exit", "The end.", [Field("exit", .integer(Int.min...Int.max), "Its status; 128 + its signal.")]),
        ErrorBody.line,
      ]))
}

/// A line of what `POST /v1/nodes/NODE/console` answers; the last one is `end`.
package enum ConsoleLine: Sendable, Equatable {
  /// First `{"begun": true}`, then `{"out": BASE64}`, `{"lost": 4096}`, `{"end": "taken"}` (or `closed`, `left`)
  case event(ConsoleEvent)
}

extension ConsoleLine: Described {
  private enum CodingKeys: String, CodingKey { case begun, out, lost, end }

  package func encode(to encoder: any Encoder) throws {
    var line = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .event(.begun): try line.encode(true, forKey: .begun)
    case .event(.output(let bytes)): try line.encode(Data(bytes), forKey: .out)
    case .event(.lost(let count)): try line.encode(count, forKey: .lost)
    case .event(.ended(let end)): try line.encode(end.rawValue, forKey: .end)
    }
  }

  package init(from decoder: any Decoder) throws {
    let line = try decoder.container(keyedBy: CodingKeys.self)
    if let bytes = try line.decodeIfPresent(Data.self, forKey: .out) {
      self = .event(.output([UInt8](bytes)))
    } else if let count = try line.decodeIfPresent(Int.self, forKey: .lost) {
      self = .event(.lost(count))
    } else if line.contains(.begun) {
      self = .event(.begun)
    } else {
      let word = try line.decode(String.self, forKey: .end)
      guard let end = ConsoleEnd(rawValue: word) else {
        throw DecodingError.dataCorruptedError(forKey: .end, in: line, debugDescription: "\"\(word)\" is no end")
      }
      self = .event(.ended(end))
    }
  }

  package static let shape = Shape.either(
    EitherShape(
      name: "ConsoleLine", text: "What a console says as it comes; the last line is why it ended.",
      shapes: [
        .object("Begun", "The client has the console; the first line.", [Field("begun", .boolean, "True.")]),
        .object("Output", "Standard output.", [Field("out", .bytes, "A piece of it.")]),
        .object("Lost", "Bytes that nobody read in time.", [Field("lost", .count, "How many.")]),
        .object(
          "End", "The end.",
          [Field("end", .choice(ConsoleEnd.allCases.map(\.rawValue)), "Taken over, closed by the machine, or left.")]),
      ]))
}
