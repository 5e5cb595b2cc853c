import Lab
import Topology

/// What `POST /v1/tests` takes, if it takes something.
package struct TestRequest: Described, Equatable {
  /// Tests as the lab file words them; nil = all.
  package var names: [String]?

  package init(names: [String]?) { self.names = names }

  package static let shape = Shape.object(
    "TestRequest", "Which tests are run.",
    [Field(optional: "names", .counted(.text, 1...Int.max), "As `GET /v1/tests` has them; all without it.")])

  /// The tests that are asked for.
  /// - Throws: `UserError` (`notFound`) for one that the lab has not.
  static func names(_ request: TestRequest?, of lab: CanonicalLab) throws(UserError) -> [String] {
    let (asked, known) = (request?.names ?? [], lab.tests.map(\.title))
    guard let stranger = asked.first(where: { !known.contains($0) }) else { return asked }
    throw UserError(
      .notFound, "lab \(lab.name) has no test \"\(stranger)\"",
      hint: known.isEmpty ? "it has no tests" : "tests: \(known.joined(separator: ", "))")
  }
}

/// A test of a lab.
package struct TestNameRow: Described, Equatable {
  /// As the file words it: `ping vm1 -> vm2`.
  package var test: String

  package static let shape = Shape.object(
    "TestName", "A test of a lab.", [Field("test", .text, "As the lab file words it: `ping vm1 -> vm2`.")])
}
