/// What a node's own system is told beside its network.
extension LabSchema {
  /// Keys of namespaces, containers and the built-in guest, which `defaults` has for the last.
  static let setup = [
    Key(
      "forwarding", .boolean,
      "Passes on IPv4 and IPv6 that is not for the node itself; without it as its system does: the built-in image does."
    ),
    Key(
      "sysctl", .map(.text, names: "^[A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)+$"),
      "Settings of its kernel: { net.ipv4.conf.all.rp_filter: 0 }; in namespaces and containers those of net. only."),
    Key("exec", .oneOrMore(.text), "Lines for its shell, run once, in order, when its addresses are there."),
    files,
  ]

  /// A namespace has this host's file system, and so not this key.
  static let files = Key(
    "files", .map(.text, names: "^/.+$"),
    "Files in it, by absolute path: each a file, or the text itself, of several lines.")
}
