import CLinux
import Glibc

/// Network namespaces: by name, the same as those of `ip netns`, or by the absolute path of their file, wherever it is
/// mounted (`/proc/PID/ns/net` is one).
///
/// Requires CAP_SYS_ADMIN.
package enum NetworkNamespace {
  /// Runs `body` in a named namespace, or the host's (nil), and waits for it.
  ///
  /// All bodies run one after the other on the one thread that changes namespaces; sockets and descriptors opened there
  /// stay in that namespace. Keep them short; a body may call this again.
  /// - Throws: what `body` throws, or ENOENT if there is no such namespace (EINVAL: the name is no namespace's).
  package static func run<T: Sendable>(
    in name: String?, _ body: @escaping @Sendable () throws(SystemError) -> T
  ) throws(SystemError) -> T {
    try NamespaceThread.shared().run(in: name, body)
  }

  /// As `run`, for a caller whose thread must not wait.
  package static func runWithoutBlocking<T: Sendable>(
    in name: String?, _ body: @escaping @Sendable () throws(SystemError) -> T
  ) async throws(SystemError) -> T {
    let thread = try NamespaceThread.shared()
    let result: Result<T, SystemError> = await withCheckedContinuation { continuation in
      thread.submit(in: name, body) { continuation.resume(returning: $0) }
    }
    return try result.get()
  }

  /// Opens a namespace by name; the descriptor keeps it alive.
  package static func open(_ name: String) throws(SystemError) -> Descriptor {
    // SAFETY: the name is a C string for the length of the call.
    Descriptor(owning: try check(unsafe clinux_netns_open(name), "open", path(of: name)))
  }

  /// The file that stands for a namespace: that of its name, or the absolute path itself.
  package static func path(of name: String) -> String { name.hasPrefix("/") ? name : "/run/netns/\(name)" }

  /// Whether a namespace is the one that this process is in.
  /// - Throws: ENOENT if there is none of that name, EINVAL if it is none.
  package static func isOwn(_ name: String) throws(SystemError) -> Bool {
    let other = try open(name)
    return try run(in: nil) { () throws(SystemError) in
      let own = Descriptor(owning: try check(clinux_netns_current(), "open", "/proc/thread-self/ns/net"))
      var (one, two) = (stat(), stat())
      // SAFETY: both structures are ours for the length of the calls.
      guard unsafe fstat(own.raw, &one) == 0, unsafe fstat(other.raw, &two) == 0 else { return false }
      return one.st_dev == two.st_dev && one.st_ino == two.st_ino
    }
  }

  /// Creates a namespace as `ip netns add` does, with `lo` up.
  /// - Throws: EEXIST if the name is taken, EINVAL if it is empty or holds a slash.
  package static func create(_ name: String) throws(SystemError) {
    try run(in: nil) { () throws(SystemError) in
      // SAFETY: the name is a C string for the length of the call, which moves this thread; `run` brings it back.
      try check(unsafe clinux_netns_create(name), "create namespace", name)
      do throws(SystemError) {
        try NetlinkSocket().configure(link: "lo", LinkChange(isUp: true))
      } catch {
        _ = unsafe clinux_netns_delete(name)
        throw error
      }
    }
  }

  /// Opens the namespace that a process is in; the descriptor keeps it alive.
  /// - Throws: ESRCH or ENOENT if the process has ended.
  package static func open(of process: ProcessIdentity) throws(SystemError) -> Descriptor {
    let context = "/proc/\(process.pid)/ns/net"
    let descriptor = Descriptor(owning: try check(clinux_netns_of_process(process.pid), "open", context))
    // Asked after the open: if it still is that process, the namespace is its.
    guard process.isAlive else { throw SystemError(call: "open", code: ESRCH, context: context) }
    return descriptor
  }

  /// Names a namespace that is there, as `ip netns attach` does; the name keeps it alive.
  /// - Throws: EEXIST if the name is taken, EINVAL if it is empty or holds a slash.
  package static func attach(_ name: String, to namespace: Descriptor) throws(SystemError) {
    try run(in: nil) { () throws(SystemError) in
      // SAFETY: the name is a C string for the length of the call.
      _ = try check(unsafe clinux_netns_attach(name, namespace.raw), "name namespace", name)
    }
  }

  /// Whether both descriptors are of one namespace.
  package static func areSame(_ one: Descriptor, _ other: Descriptor) -> Bool {
    clinux_netns_is_same(one.raw, other.raw) == 1
  }

  /// Whether a descriptor is of the namespace that this process began in.
  package static func isOurs(_ namespace: Descriptor) -> Bool {
    let own = try? run(in: nil) { () throws(SystemError) in
      Descriptor(owning: try check(clinux_netns_current(), "open", "/proc/thread-self/ns/net"))
    }
    return own.map { areSame($0, namespace) } ?? false
  }

  /// Removes a name; nothing happens if there is none.
  ///
  /// The namespace and its interfaces go when its last process does.
  package static func delete(_ name: String) throws(SystemError) {
    // SAFETY: the name is a C string for the length of the call.
    let result = unsafe clinux_netns_delete(name)
    if result == -ENOENT { return }
    try check(result, "delete namespace", name)
  }

  /// Whether a namespace of this name is there.
  package static func exists(_ name: String) -> Bool {
    (try? open(name)) != nil
  }

  /// All names, sorted.
  package static func names() -> [String] {
    HostFacts.entries(of: "/run/netns").filter { exists($0) }
  }
}
