import Lab

/// What became of one test of a lab.
package struct TestRow: Described, Equatable {
  /// The test as the file words it: `ping vm1 -> vm2`.
  package var test: String
  package var passed: Bool
  package var seconds: Double
  package var detail: String

  package init(_ result: TestResult) {
    test = result.test
    passed = result.passed
    seconds = result.seconds
    detail = result.detail
  }

  package static let shape = Shape.object(
    "TestResult", "What became of one test.",
    [
      Field("test", .text, "As the lab file words it: `ping vm1 -> vm2`."),
      Field("passed", .boolean, "It came out as was expected."),
      Field("seconds", .positive, "How long it took."),
      Field("detail", .text, "What was seen instead; may be empty."),
    ])
}

extension TestRow {
  /// The line for people: `ok    ping vm1 -> vm2  12 ms`.
  ///
  /// - Parameter isColoured: the first word in green or red.
  package func description(isColoured: Bool = false) -> String {
    let word = passed ? "ok  " : "FAIL"
    let painted = isColoured ? EscapeSequence.styled(word, passed ? .green : .red) : word
    let line = "\(painted)  \(test)  \(Self.duration(seconds))"
    return detail.isEmpty ? line : "\(line)  \(detail)"
  }

  /// `12 ms`, `3.4 s`.
  private static func duration(_ seconds: Double) -> String {
    guard seconds >= 1 else { return "\(Int((seconds * 1000).rounded())) ms" }
    let tenths = Int((seconds * 10).rounded())
    return "\(tenths / 10).\(tenths % 10) s"
  }
}

/// A line of what `POST /v1/tests` answers: results as they come, `failed` only as the last one.
package enum TestLine: Sendable, Equatable {
  /// `{"test": "ping vm1 -> vm2", "passed": true, "seconds": 0.1, "detail": ""}`
  case result(TestRow)
  /// `{"error": {"code": 1, "message": "..."}}`
  case failed(ErrorBody)
}

extension TestLine: Described {
  private enum CodingKeys: String, CodingKey { case error }

  package func encode(to encoder: any Encoder) throws {
    switch self {
    case .result(let result): try result.encode(to: encoder)
    case .failed(let error):
      var line = encoder.container(keyedBy: CodingKeys.self)
      try line.encode(error, forKey: .error)
    }
  }

  package init(from decoder: any Decoder) throws {
    let line = try decoder.container(keyedBy: CodingKeys.self)
    if let error = try line.decodeIfPresent(ErrorBody.self, forKey: .error) {
      self = .failed(error)
    } else {
      self = .result(try TestRow(from: decoder))
    }
  }

  package static let shape = Shape.either(
    EitherShape(name: "TestLine", text: "A result, or why there are no more.", shapes: [TestRow.shape, ErrorBody.line]))
}
