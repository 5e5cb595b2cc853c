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
          events.test(result)
          onResult(result)
          reported += 1
        }
      }
    }
    return tests.indices.compactMap { finished[$0] }
  }

  private func run(_ test: TestDefinition) async -> TestResult {
    do {
      return try await prepared(test).run()
    } catch {
      return TestResult(
        test: test.title, passed: false, seconds: 0, detail: "\(UserError.wrapping(error, test.title))")
    }
  }

  /// What a test does at each try.
  private func prepared(_ test: TestDefinition) async throws -> NodeTest {
    let source = try node(test.source)
    if test.action == "exec" { return executeTest(test, source) }
    let destination = try node(test.destination)
    let isIPv4 = test.action == "arp"
    guard let path = PingPath.between(source.definition, destination.definition, isIPv4: isIPv4) else {
      throw UserError(.failed, "node \(test.destination) has no address")
    }
    switch test.action {
    case "ping":
      let command = try source.pingCommand(to: path.address, from: path.nic)
      return NodeTest(
        definition: test, address: path.address,
        attempt: { _ in await CommandTrial.run(judge: NodeTest.reply) { try await source.probe(command) } },
        unready: { await self.unready([test.source, test.destination]) })
    case "arp":
      let command = try source.applet("arping") + ["-f", "-c", "1", "-w", "1", "-I", path.nic.name, path.address]
      return NodeTest(
        definition: test, address: path.address,
        attempt: { _ in await CommandTrial.run(judge: CommandTrial.status) { try await source.probe(command) } },
        unready: { await self.unready([test.source, test.destination]) })
    case "tcp": return try connectTest(test, source, destination, path.address)
    case "udp": return try datagramTest(test, source, destination, path.address)
    default: throw UserError(.failed, "tests of kind \(test.action) are not known")
    }
  }

  private func executeTest(_ test: TestDefinition, _ source: any Node) -> NodeTest {
    let (command, wanted) = (test.run ?? [], test.output)
    let judge: CommandTrial.Judge = { status, text in
      guard status == 0 else { return .silent("it ended with \(status):\(ShownText.output(text))") }
      guard wanted.map({ text.contains($0) }) ?? true else { return .silent("it said:\(ShownText.output(text))") }
      return .answered(nil)
    }
    return NodeTest(
      definition: test, address: "`\(test.commandTitle)`", verb: "succeeded",
      attempt: { _ in
        await CommandTrial.run(limit: test.within, judge: judge) { try await source.execute(command) }
      },
      unready: { await self.unready([test.source]) })
  }

  /// Those of the nodes that are not ready.
  func unready(_ names: [String]) async -> [String] {
    await nodes().filter { names.contains($0.node) && !$0.ready }.map(\.node)
  }
}
