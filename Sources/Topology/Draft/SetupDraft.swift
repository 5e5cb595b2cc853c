/// The keys of what a node's own system is told; a span is that of the key.
struct SetupDraft {
  /// A file in the node, as written: a path or a text of several lines.
  struct File {
    var path: Located<String>
    var content: Located<String>
  }

  var forwarding: Located<Bool>?
  var sysctl: Located<[SetupDefinition.KernelSetting]>?
  var exec: Located<[String]>?
  var files: Located<[File]>?

  /// The keys that are there.
  var keys: [(name: String, span: Span)] {
    [("forwarding", forwarding?.span), ("sysctl", sysctl?.span), ("exec", exec?.span), ("files", files?.span)]
      .compactMap { name, span in span.map { (name, $0) } }
  }

  /// Values of it that a range of nodes multiplies.
  var size: Int { (sysctl?.value.count ?? 0) + (exec?.value.count ?? 0) + (files?.value.count ?? 0) }

  /// This, with the keys of another that it lacks.
  func over(_ other: SetupDraft) -> SetupDraft {
    var result = self
    result.forwarding = forwarding ?? other.forwarding
    result.sysctl = sysctl ?? other.sysctl
    result.exec = exec ?? other.exec
    result.files = files ?? other.files
    return result
  }
}
