import Lab

/// What `POST /v1/lab/save` is asked for.
package struct SaveQuery: RouteQuery {
  package var to: String?
  package var stop: Bool?

  package init() {}
  package init(_ request: SaveRequest) { (to, stop) = (request.path, request.stops ? true : nil) }

  /// - Throws: `badInput` for a path that is not absolute.
  func request() throws(UserError) -> SaveRequest {
    if let to, !to.hasPrefix("/") { throw UserError(.badInput, "to must be an absolute path, found \"\(to)\"") }
    return SaveRequest(path: to, stops: stop ?? false)
  }

  package static let shape = Shape.object(
    "SaveQuery", "How a lab is saved.",
    [
      Field(
        optional: "to", .form(.path),
        "Path of a folder that is not there yet; in the folder of saved labs without it."
      ).onSocket(),
      Field(optional: "stop", .boolean, "The lab is taken down then, and its machines do nothing more before."),
    ])
}

/// A lab that was saved.
package struct SavedRow: Described, Equatable {
  package var lab: String
  package var path: String
  package var bytes: UInt64
  package var machines: Int
  package var pauseSeconds: Double
  package var memorySeconds: Double
  package var others: [String: String]
  package var down: Bool

  private enum CodingKeys: String, CodingKey {
    case lab, path, bytes, machines, others, down
    case pauseSeconds = "pause_seconds"
    case memorySeconds = "memory_seconds"
  }

  package init(_ saved: SavedLab, lab: String) {
    func rounded(_ seconds: Double) -> Double { (seconds * 1000).rounded() / 1000 }
    self.lab = lab
    (path, bytes, machines) = (saved.path, saved.size, saved.machines)
    (pauseSeconds, memorySeconds) = (rounded(saved.pause), rounded(saved.memory))
    (others, down) = (saved.others, saved.isDown)
  }

  package static let shape = Shape.object(
    "SavedLab", "A lab that was saved.",
    [
      Field("lab", .text, "Its name."), Field("path", .text, "Absolute path of its folder."),
      Field("bytes", .count, "Of the folder's files."),
      Field("machines", .count, "Virtual machines that ran, and are in it with their memory."),
      Field("pause_seconds", .positive, "How long they stood still."),
      Field("memory_seconds", .positive, "That part of it in which their memory was written."),
      Field(
        "others", .map(.text),
        "Nodes that went on and are in it by their definition alone, with their kinds; they begin anew."),
      Field("down", .boolean, "The lab was taken down then."),
    ])
}

extension SavedRow {
  /// What a person is told, a line each.
  package var words: [String] {
    let size = bytes >= 10 << 20 ? "\(bytes >> 20) MiB" : "\(bytes >> 10) KiB"
    let stood = "stood still for \(pauseSeconds) s, \(memorySeconds) s of it to write memory"
    var lines = ["lab \(lab): saved in \(path), \(size)"]
    if machines > 0 { lines.append("\(Figure.count(machines, "machine", "machines")) \(stood)") }
    if !others.isEmpty {
      let names = others.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value))" }
      lines.append("went on, and will begin anew: \(names.joined(separator: ", "))")
    }
    return lines
  }
}

/// A line of what `POST /v1/lab/save` answers; the last one is `saved` or `error`.
package enum SaveLine: Sendable, Equatable {
  /// `{"progress": "vm1: its disk is copied"}`
  case progress(String)
  case saved(SavedRow)
  case failed(ErrorBody)
}

extension SaveLine: Described {
  private enum CodingKeys: String, CodingKey { case progress, saved, error }

  package func encode(to encoder: any Encoder) throws {
    var line = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .progress(let text): try line.encode(text, forKey: .progress)
    case .saved(let row): try line.encode(row, forKey: .saved)
    case .failed(let error): try line.encode(error, forKey: .error)
    }
  }

  package init(from decoder: any Decoder) throws {
    let line = try decoder.container(keyedBy: CodingKeys.self)
    if let text = try line.decodeIfPresent(String.self, forKey: .progress) {
      self = .progress(text)
    } else if let error = try line.decodeIfPresent(ErrorBody.self, forKey: .error) {
      self = .failed(error)
    } else {
      self = .saved(try line.decode(SavedRow.self, forKey: .saved))
    }
  }

  package static let shape = Shape.either(
    EitherShape(
      name: "SaveLine", text: "What is done, as it is done; the last line is how it ended.",
      shapes: [
        .object("Progress", "What was done.", [Field("progress", .text, "In words.")]),
        .object("Saved", "The end.", [Field("saved", SavedRow.shape, "What was saved.")]),
        ErrorBody.line,
      ]))
}
