/// `tests:` entry.
struct TestDraft {
  enum Action {
    /// `ping`, `tcp`, `udp` or `arp` from one node to another.
    case pair(String, source: EndDraft, destination: EndDraft)
    case exec(node: EndDraft, run: [String], output: String?)
  }

  var action: Action
  var port: Int?
  var expect: TestDefinition.Expectation
  var within: Located<Double>?
  var duration: Located<Double>?
}
