import Topology

/// Tests that need somebody who listens at the destination.
extension LabRuntime {
  /// Port of a test that names none.
  private static let standardPort = 7777
  /// The moment that the listener needs before somebody can connect: twice as long at each try, as it is several
  /// processes in a guest that may be slow.
  private static func listenerStart(_ number: Int) -> Duration { .milliseconds(200 << min(number - 1, 4)) }

  /// A listener at the destination greets everybody; the source connects and reads the greeting.
  ///
  /// Whole systems have services of their own: there it is enough that one takes the connection. A container may have
  /// one at that port, which keeps the listener from it.
  func connectTest(
    _ test: TestDefinition, _ source: any Node, _ destination: any Node, _ address: String
  ) throws -> NodeTest {
    let port = "\(test.port ?? Self.standardPort)"
    let connect = try source.applet("nc") + ["-w", "1", address, port]
    guard destination.definition.traits.sends, destination.definition.disk == nil
    else {
      return connection(test, "\(address) port \(port)") { _ in
        await CommandTrial.run(judge: CommandTrial.status) { try await source.probe(connect) }
      }
    }
    let greeting = Self.greeting(test)
    let mayServe = destination.definition.container != nil
    let listen =
      try destination.applet("nc") + ["-l", "-p", port, "-w", "8", "-e"] + destination.applet("echo") + [greeting]
    return connection(test, "\(address) port \(port)") { number in
      await Self.exchange(number, greeting, source, connect, destination, listen, acceptsAny: mayServe)
    }
  }

  /// A listener at the destination answers the first datagram; the source sends one and reads the answer.
  func datagramTest(
    _ test: TestDefinition, _ source: any Node, _ destination: any Node, _ address: String
  ) throws -> NodeTest {
    let port = "\(test.port ?? Self.standardPort)"
    let family = address.contains(":") ? "-6" : "-4"
    let greeting = Self.greeting(test)
    func shell(_ node: any Node, _ text: String, _ words: [String]) throws -> [String] {
      let netcat = try node.program("nc.openbsd", package: "netcat-openbsd")
      let line = (netcat + words).map(AgentRequest.quoted).joined(separator: " ")
      return ["sh", "-c", "echo \(AgentRequest.quoted(text)) | \(line)"]
    }
    let listen = try shell(destination, greeting, [family, "-u", "-l", "-w", "8", port])
    let send = try shell(source, "apus", [family, "-u", "-w", "1", address, port])
    return connection(test, "\(address) port \(port)") { number in
      await Self.exchange(number, greeting, source, send, destination, listen)
    }
  }

  private static func greeting(_ test: TestDefinition) -> String { "apus-\(test.source)-\(test.destination)" }

  private func connection(
    _ test: TestDefinition, _ address: String, _ attempt: @escaping @Sendable (Int) async -> CommandTrial.Outcome
  ) -> NodeTest {
    NodeTest(
      definition: test, address: address, attempt: attempt,
      unready: { await self.unready([test.source, test.destination]) })
  }

  /// One try: the listener is started, then the source speaks to it.
  /// - Parameter acceptsAny: whoever takes the connection will do.
  private static func exchange(
    _ number: Int, _ greeting: String, _ source: any Node, _ speak: [String], _ destination: any Node,
    _ listen: [String], acceptsAny: Bool = false
  ) async -> CommandTrial.Outcome {
    let listener = Task {
      for try await _ in try await destination.probe(listen) {}
    }
    defer { listener.cancel() }
    try? await Task.sleep(for: listenerStart(number))
    return await CommandTrial.run(
      judge: { status, text in
        text.contains(greeting) || (acceptsAny && status == 0)
          ? .answered(nil) : .silent("\(ShownText.lastLine(text)) (status \(status))")
      }, { try await source.probe(speak) })
  }
}
