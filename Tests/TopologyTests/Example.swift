import Testing
import Topology

/// A file with a mistake, and word for word what is said about it.
struct Example: Sendable, CustomTestStringConvertible {
  var code: String
  var title: String
  var facts: TestFacts
  var text: String
  var expected: String

  init(_ code: String, _ title: String, facts: TestFacts = .usual, text: String, expected: String) {
    self.code = code
    self.title = title
    self.facts = facts
    self.text = text
    self.expected = expected
  }

  var testDescription: String { "\(code): \(title)" }

  static let all = syntax + values + names + references + addressing + contradictions + impairments + profiles + host
}

extension TestFacts {
  /// A host with one image and one interface.
  static let usual = TestFacts(
    files: ["/labs/debian.qcow2"], interfaces: ["tap-taken"], stateDirectory: "/run/apus")
  /// A host with little memory and no KVM.
  static let slow = TestFacts(hasKVM: false, availableMemory: 200 << 20)
}
