/// What of a node is there before `up` does anything.
enum NodePresence: Sendable, Equatable {
  /// Never made, or removed.
  case absent
  /// Runs; the text says how it was recognised (`pid 1234`).
  case running(String)
  /// Was made, but its process, namespace or interface is gone.
  case ended
}
