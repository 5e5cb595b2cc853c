import Glibc
import LinuxHost
import Synchronization

/// A command in a container, run by its engine.
enum ContainerCommand {
  /// Starts a command; who drops its events ends it.
  ///
  /// The engine answers 127 for a program that is not there, 126 for one that cannot be run, 125 for itself.
  /// - Parameter engine: path of its program.
  static func start(
    _ request: CommandRequest, _ engine: String, in container: String, _ variables: [String: String]
  ) throws(UserError) -> StartedCommand {
    let marker = "\(markerName)=\(String(UInt64.random(in: 0 ... .max), radix: 16))"
    var words = [engine, "exec", "--env", marker]
    if request.takesInput || request.terminal != nil { words.append("--interactive") }
    if request.terminal != nil { words += ["--tty", "--env", "TERM=\(request.terminalKind)"] }
    var outer = request
    outer.command = words + [container] + request.command
    // Folder and variables are those of the container.
    (outer.directory, outer.environment, outer.fileMask) = (nil, nil, 0o022)
    let started = try HostCommand.start(outer, namespace: nil, variables)
    let inner = started.events
    let ended = Mutex(false)
    let events = StartedCommand.Events.asking {
      var iterator = inner.makeAsyncIterator()
      let event = try await iterator.next()
      if case .exit = event { ended.withLock { $0 = true } }
      return event
    } onDrop: {
      // What it has left behind on purpose stays.
      if !ended.withLock({ $0 }) { Task.detached { await end(marker) } }
    }
    return StartedCommand(events: events, input: started.input)
  }

  /// A variable by which the processes of a command are known: engines let them run on when their own program ends.
  private static let markerName = "APUS_COMMAND"

  /// Kills what is left of a command; what it starts meanwhile is found at another look.
  private static func end(_ marker: String) async {
    for _ in 0..<5 {
      let left = HostFacts.entries(of: "/proc").compactMap { entry -> ProcessIdentity? in
        guard let pid = Int32(entry), let process = ProcessIdentity.of(pid: pid),
          HostFacts.text(ofFile: "/proc/\(pid)/environ")?.split(separator: "\0").contains(marker[...]) ?? false
        else { return nil }
        return process
      }
      guard !left.isEmpty else { return }
      for process in left { process.signal(SIGKILL) }
      try? await Task.sleep(for: .milliseconds(50))
    }
  }
}
