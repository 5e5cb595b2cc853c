import Topology

/// `ping: A -> B` and its like: expects an answer in time, or silence for a time.
struct NodeTest: Sendable {
  var definition: TestDefinition
  /// Who is to answer, in the words of the result: an address, or a command.
  var address: String
  /// What that one does when all is well.
  var verb = "answered"
  /// Sends one echo request and waits about a second for its answer; takes the number of the try, from 1.
  var attempt: @Sendable (_ number: Int) async -> CommandTrial.Outcome
  /// Which of the two ends are not ready.
  var unready: @Sendable () async -> [String]

  /// Pause after a try that came back at once: a network that is unreachable, a guest that still boots.
  private static let pause = Duration.milliseconds(200)

  func run() async -> TestResult {
    let clock = ContinuousClock()
    let begin = clock.now
    let (passed, detail) =
      switch definition.expect {
      case .pass: await expectAnswer(clock, begin)
      case .fail: await expectSilence(clock, begin)
      }
    return TestResult(
      test: definition.title, passed: passed, seconds: Seconds.value(clock.now - begin), detail: detail)
  }

  private func expectAnswer(_ clock: ContinuousClock, _ begin: ContinuousClock.Instant) async -> (Bool, String) {
    let deadline = begin + .seconds(definition.within)
    var count = 0
    var last = ""
    repeat {
      count += 1
      switch await attempt(count) {
      case .answered(let time):
        let tries = count == 1 ? "" : " at try \(count)"
        return (true, "\(address) \(verb)\(time.map { " in \($0)" } ?? "")\(tries)")
      case .silent(let reason):
        last = reason
        try? await clock.sleep(for: Self.pause)
      }
    } while clock.now < deadline && !Task.isCancelled
    let failure = verb == "answered" ? "no answer from \(address)" : "\(address) has not \(verb)"
    return (false, "\(failure) within \(Seconds.text(definition.within)), \(count) tries; last: \(last)")
  }

  private func expectSilence(_ clock: ContinuousClock, _ begin: ContinuousClock.Instant) async -> (Bool, String) {
    // Silence of a node that is not up yet would prove nothing.
    let deadline = begin + .seconds(definition.within)
    var missing = await unready()
    while !missing.isEmpty {
      guard clock.now < deadline, !Task.isCancelled else {
        return (false, "not ready within \(Seconds.text(definition.within)): \(missing.joined(separator: ", "))")
      }
      try? await clock.sleep(for: Self.pause)
      missing = await unready()
    }
    let end = clock.now + .seconds(definition.duration)
    var count = 0
    var last = ""
    repeat {
      count += 1
      switch await attempt(count) {
      case .answered(let time):
        return (false, "\(address) \(verb)\(time.map { " in \($0)" } ?? "") at try \(count); silence was expected")
      case .silent(let reason):
        last = reason
        try? await clock.sleep(for: Self.pause)
      }
    } while clock.now < end && !Task.isCancelled
    if Task.isCancelled { return (false, "interrupted") }
    let silence = verb == "answered" ? "\(address) silent" : "\(address) has not \(verb)"
    return (true, "\(silence) for \(Seconds.text(definition.duration)), \(count) tries; last: \(last)")
  }
}

extension NodeTest {
  /// Reads what ping (iputils' or busybox') has said.
  @Sendable
  static func reply(_ status: Int32, _ text: String) -> CommandTrial.Outcome {
    let lines = text.split(whereSeparator: \.isNewline)
    guard status == 0 else {
      let telling = lines.last { !$0.hasPrefix("---") && !$0.allSatisfy(\.isWhitespace) }
      return .silent(telling.map { ShownText.line($0) } ?? "ping ended with \(status)")
    }
    let time = lines.lazy.compactMap { line in
      line.split(separator: " ").first { $0.hasPrefix("time=") }.map { "\($0.dropFirst(5)) ms" }
    }.first
    return .answered(time)
  }
}

extension TestDefinition {
  /// The test in a line: `ping vm1 -> vm2`, `ping vm1 -> vm3 expect fail`.
  package var title: String {
    var title = "\(action) \(source) -> \(destination)"
    if action == "exec" { title = "exec \(source): \(commandTitle)" }
    if let port { title += " port \(port)" }
    return title + (expect == .fail ? " expect fail" : "")
  }

  /// The command of `exec` in a line of at most 60 characters.
  var commandTitle: String {
    let text = (run ?? []).last ?? ""
    let line = text.split(whereSeparator: \.isNewline).first ?? ""
    let isWhole = line.count <= 60 && line.count >= text.count - 1
    return isWhole ? ShownText.line(line) : "\(ShownText.line(line.prefix(60)))..."
  }
}

/// From which NIC to which address a ping goes.
struct PingPath: Equatable {
  var nic: NICDefinition
  /// Without a prefix length.
  var address: String

  /// The destination's first address in a subnet that the source is in too, else its first; nil without any.
  /// - Parameter isIPv4: only such an address will do, as for ARP.
  static func between(
    _ source: NodeDefinition, _ destination: NodeDefinition, isIPv4: Bool = false
  ) -> PingPath? {
    let targets = destination.nics.flatMap(\.addresses).map { String($0.address.prefix { $0 != "/" }) }
      .filter { !(isIPv4 && $0.contains(":")) }
    for target in targets {
      for nic in source.nics where nic.addresses.contains(where: { Subnet($0.address)?.contains(target) ?? false }) {
        return PingPath(nic: nic, address: target)
      }
    }
    guard let target = targets.first, let nic = source.nics.first else { return nil }
    return PingPath(nic: nic, address: target)
  }
}
