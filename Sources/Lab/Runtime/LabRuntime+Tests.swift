import Topology

extension LabRuntime {
  /// Tests that are run at once.
  private static let testsAtOnce = 4

  /// Runs the lab's tests, some side by side.
  /// - Parameter names: only the tests that are worded so; empty = all.
  /// - Parameter onResult: called for each, in file order, as soon as those before it are done too.
  /// - Returns: the results in file order.
  package func runTests(
    names: [String] = [], onResult: @escaping @Sendable (TestResult) -> Void
  ) async -> [TestResult] {
    let tests = (current?.tests ?? []).filter { names.isEmpty || names.contains($0.title) }
    var finished: [Int: TestResult] = [:]
    var reported = 0
    await withTaskGroup(of: (Int, TestResult).self) { group in
      var next = 0
      while next < tests.count || reported < tests.count {
        while next < tests.count, next - finished.count < Self.testsAtOnce {
          let (index, test) = (next, tests[next])
          group.addTask { (index, await self.run(test)) }
          next += 1
        }
        guard let (index, result) = await group.next() else { return }
        finished[index] = result
        while let result = finished[reported] {
          onResult(result)
          reported += 1
        }
      }
    }
    return tests.indices.compactMap { finished[$0] }
  }

  private func run(_ test: TestDefinition) async -> TestResult {
    func failed(_ detail: String) -> TestResult {
      TestResult(test: test.title, passed: false, seconds: 0, detail: detail)
    }
    guard test.action == "ping" else { return failed("tests of kind \(test.action) are not known; known: ping") }
    do {
      let (source, destination) = (try node(test.source), try node(test.destination))
      let path = PingPath.between(source.definition, destination.definition)
      guard let path else { return failed("node \(test.destination) has no address to ping") }
      let command = try source.pingCommand(to: path.address, from: path.nic)
      let ping = PingTest(
        definition: test, address: path.address,
        attempt: { await PingTest.attempt { try await source.execute(command) } },
        unready: { await self.unready([test.source, test.destination]) })
      return await ping.run()
    } catch {
      return failed("\(UserError.wrapping(error, test.title))")
    }
  }

  /// Those of the nodes that are not ready.
  private func unready(_ names: [String]) async -> [String] {
    await nodes().filter { names.contains($0.node) && !$0.ready }.map(\.node)
  }
}
