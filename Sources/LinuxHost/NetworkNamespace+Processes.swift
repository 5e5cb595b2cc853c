import Glibc

/// A process in a network namespace.
package struct NamespaceProcess: Sendable, Equatable {
  package var identity: ProcessIdentity
  /// Name of its program, at most 15 bytes, as `/proc/PID/comm` has it.
  package var program: String
}

extension NetworkNamespace {
  /// A process may have started another while it was being ended.
  private static let rounds = 5

  /// Processes whose first thread is in the namespace of that name, sorted by number.
  ///
  /// None when there is no such namespace, and none of our own: a name that leads there is no namespace that was made.
  package static func processes(in name: String) -> [NamespaceProcess] {
    guard let place = place(of: path(of: name)), place != self.place(of: "/proc/self/ns/net") else { return [] }
    let numbers = HostFacts.entries(of: "/proc").compactMap { Int32($0) }.sorted()
    return numbers.compactMap { pid in
      // Looked at twice: the number may have been given to another process meanwhile.
      guard self.place(of: "/proc/\(pid)/ns/net") == place, let identity = ProcessIdentity.of(pid: pid),
        identity.isAlive, self.place(of: "/proc/\(pid)/ns/net") == place
      else { return nil }
      let name = HostFacts.text(ofFile: "/proc/\(pid)/comm") ?? ""
      return NamespaceProcess(identity: identity, program: String(name.prefix { $0 != "\n" }))
    }
  }

  /// Ends every process in the namespace of that name: each is asked to, and killed if it does not listen.
  /// - Returns: those that have ended.
  /// - Throws: EBUSY for one that does not end, not even when killed.
  package static func endProcesses(in name: String) async throws(SystemError) -> [NamespaceProcess] {
    var ended: [NamespaceProcess] = []
    for _ in 0..<rounds {
      let found = processes(in: name)
      if found.isEmpty { return ended }
      await ProcessIdentity.end(found.map(\.identity))
      ended += found.filter { !$0.identity.isAlive }
    }
    guard let left = processes(in: name).first else { return ended }
    throw SystemError(call: "kill", code: EBUSY, context: "process \(left.identity.pid) (\(left.program)) in \(name)")
  }

  /// Device and inode of what lies at a path; nil if it cannot be asked.
  private static func place(of path: String) -> [UInt64]? {
    var status = stat()
    // SAFETY: the path is a C string, and the structure ours, for the length of the call.
    guard unsafe stat(path, &status) == 0 else { return nil }
    return [UInt64(status.st_dev), UInt64(status.st_ino)]
  }
}

extension ProcessIdentity {
  /// Seconds that processes have after each signal; the kernel may take a while to free their memory.
  private static let endings = [(signal: SIGTERM, timeout: 2.0), (signal: SIGKILL, timeout: 10)]

  /// Asks processes to end, and kills those that do not listen; all of them have the same twelve seconds.
  package static func end(_ processes: [ProcessIdentity]) async {
    for ending in endings {
      let due = processes.filter(\.isAlive)
      for process in due { process.signal(ending.signal) }
      let deadline = ContinuousClock.now + .seconds(ending.timeout)
      for process in due {
        let left: Double = (deadline - ContinuousClock.now) / Duration.seconds(1)
        _ = await process.wait(timeoutSeconds: max(0, left))
      }
    }
  }
}
