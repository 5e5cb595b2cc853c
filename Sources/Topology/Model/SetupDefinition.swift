/// What a node's own system is told beside its network (`netns`, `container` and the built-in guest).
///
/// It is carried out in this order, once for each start of the node.
package struct SetupDefinition: Codable, Sendable, Equatable {
  /// A setting of the node's kernel.
  package struct KernelSetting: Codable, Sendable, Equatable {
    /// As sysctl(8) shows it: `net.ipv4.conf.eth0/20.rp_filter` is that of `eth0.20`.
    package var key: String
    package var value: String
    package init(key: String, value: String) { (self.key, self.value) = (key, value) }
  }

  /// A file in the node.
  package struct File: Codable, Sendable, Equatable {
    /// In the node; absolute.
    package var path: String
    package var content: CloudInitDefinition.Document
    package init(path: String, content: CloudInitDefinition.Document) { (self.path, self.content) = (path, content) }
  }

  /// In file order (`container` and the built-in guest only).
  package var files: [File] = []
  /// It passes on what is not for it, IPv4 and IPv6; nil = as its system does without us.
  package var forwarding: Bool?
  /// In file order.
  package var sysctl: [KernelSetting] = []
  /// Lines for its shell, run once when its addresses are there.
  package var exec: [String] = []

  package init() {}

  /// Nothing is said.
  package var isEmpty: Bool { self == SetupDefinition() }

  /// The keys of a lab file that are said.
  package var keys: [String] {
    [
      ("files", !files.isEmpty), ("forwarding", forwarding != nil), ("sysctl", !sysctl.isEmpty),
      ("exec", !exec.isEmpty),
    ].filter(\.1).map(\.0)
  }

  /// All settings of the kernel, those that `forwarding` stands for first.
  package var kernelSettings: [KernelSetting] {
    let forwarding = forwarding.map { isOn in
      SetupNames.forwardingKeys.map { KernelSetting(key: $0, value: isOn ? "1" : "0") }
    }
    return (forwarding ?? []) + sysctl
  }
}
