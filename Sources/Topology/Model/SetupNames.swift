/// Names of what a node's system is told.
package enum SetupNames {
  /// What `forwarding` stands for.
  package static let forwardingKeys = ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"]
  /// How the keys begin that are of a network namespace's own; others are of the whole host.
  package static let namespaceKeys = "net."
  /// Bytes of a file's path that Linux takes.
  private static let longestPath = 4095
  /// Bytes of a key.
  private static let longestKey = 255

  /// A key of sysctl in the form that it is kept in, `net.ipv4.ip_forward`; nil for what is none.
  ///
  /// As sysctl(8) has it, the first separator decides: in a key that is written with `/` a dot is part of a name, and the
  /// other way round. No part is empty or made of dots, so no key leads out of its folder.
  package static func kernelKey(_ text: String) -> String? {
    guard text.utf8.count <= longestKey else { return nil }
    var key = text
    if let separator = text.first(where: { $0 == "." || $0 == "/" }), separator == "/" {
      key = String(text.map { $0 == "/" ? "." : $0 == "." ? "/" : $0 })
    }
    let parts = key.split(separator: ".", omittingEmptySubsequences: false)
    let areNames = parts.allSatisfy { part in
      // A dot of a name, now a slash, stands between letters.
      part.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { name in
        !name.isEmpty && name.utf8.allSatisfy { isPlain($0) || "_-".utf8.contains($0) }
      }
    }
    return parts.count > 1 && areNames ? key : nil
  }

  /// Where a key's file is, under `/proc/sys`.
  package static func path(ofKey key: String) -> String {
    "/proc/sys/" + String(key.map { $0 == "." ? "/" : $0 == "/" ? "." : $0 })
  }

  /// Whether a text is a value of a key: one line, not empty.
  package static func isKernelValue(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 1024 && !text.unicodeScalars.contains { $0 != "\t" && Quoting.isControl($0) }
  }

  /// Whether a file in a node may be called so: absolute, and no part of it leads elsewhere.
  package static func isPath(_ text: String) -> Bool {
    guard text.hasPrefix("/"), text.utf8.count <= longestPath else { return false }
    let parts = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    return !text.unicodeScalars.contains { Quoting.isControl($0) }
      && parts.allSatisfy { !["", ".", ".."].contains($0) && $0.utf8.count <= 255 }
  }

  /// Whether a text is something that a shell runs.
  package static func isLine(_ text: String) -> Bool {
    !text.utf8.contains(0) && !text.allSatisfy(\.isWhitespace)
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }
}
