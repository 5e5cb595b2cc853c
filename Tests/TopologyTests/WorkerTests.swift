import Foundation
import Testing

@testable import Topology

/// `workers:` of the lab file: how many, and where.
@Suite("Workers")
struct WorkerTests {
  private func workers(_ text: String, facts: TestFacts = TestFacts()) throws -> WorkerSettings {
    let result = load("version: 1\nname: test\nworkers: \(text)\n", facts: facts)
    #expect(result.diagnostics.filter { $0.severity == .error }.isEmpty, "\(text): \(result.diagnostics)")
    return try #require(result.lab).workers
  }

  @Test(
    "how many there are",
    arguments: [
      ("{}", WorkerCount.exactly(1)), ("{ count: 64 }", 64), ("{ count: auto }", .auto), ("{ count: \"auto\" }", .auto),
      ("{ cpus: [0, 1] }", 2), ("{ cpus: 1 }", 1), ("{ count: 2, cpus: [1, 0] }", 2), ("{ poll: busy }", 1),
    ])
  func counts(_ text: String, _ count: WorkerCount) throws { #expect(try workers(text).count == count) }

  @Test(
    "auto is one for each processor, at most 4, and 1 where nobody knows",
    arguments: zip([nil, 0, 1, 3, 4, 64], [1, 1, 1, 3, 4, 4]))
  func numbers(_ processors: Int?, _ number: Int) {
    #expect(WorkerCount.auto.number(processors: processors) == number)
    #expect(WorkerCount.exactly(7).number(processors: processors) == 7)
  }

  @Test("more workers than processors are allowed, and said once; auto and as many as there are, are nothing to say")
  func moreThanProcessors() throws {
    func codes(_ text: String, _ processors: [ClosedRange<Int>]?) -> [String] {
      load("version: 1\nname: test\nworkers: \(text)\n", facts: TestFacts(processors: processors)).diagnostics.map(
        \.code)
    }
    #expect(codes("{ count: 4 }", [0...1, 6...6]) == ["L305"])
    #expect(codes("{ count: 3 }", [0...1, 6...6]) == [])
    #expect(codes("{ count: auto }", [0...0]) == [])
    #expect(codes("{ count: 64 }", nil) == [])
    #expect(codes("{ cpus: [0, 6] }", [0...0, 6...6]) == [])
  }

  @Test("there are no more workers than 64, however many processors are listed")
  func processorsBeyondWorkers() throws {
    let list = (0...64).map(String.init).joined(separator: ", ")
    let result = load(
      "version: 1\nname: test\nworkers: { cpus: [\(list)] }\n", facts: TestFacts(processors: [0...127]))
    #expect(result.diagnostics.map(\.code) == ["L214"])
    #expect(result.diagnostics.first?.message == "\"cpus\" has 65 processors; there are 64 workers at most")
  }

  @Test("auto stays auto in the canonical form; numbers stay numbers")
  func canonical() throws {
    var lab = CanonicalLab(name: "a")
    for (count, json, yaml) in [
      (WorkerCount.auto, "\"count\":\"auto\"", "count: auto\n"), (3, "\"count\":3", "count: 3\n"),
    ] {
      lab.workers.count = count
      let data = try JSONEncoder().encode(lab)
      #expect(String(decoding: data, as: UTF8.self).contains(json))
      #expect(try JSONDecoder().decode(CanonicalLab.self, from: data) == lab)
      #expect(try lab.yaml().contains(yaml))
    }
    let words = Data(#"{"count": "all", "cpus": [], "poll": "busy"}"#.utf8)
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(WorkerSettings.self, from: words) }
  }
}
