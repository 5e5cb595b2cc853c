import Topology

/// Whose interface is behind a port that a container runtime asked for.
///
/// Kept with the port, so it is known as long as that is: over the daemon's death too.
package struct PodAttachment: Codable, Sendable, Hashable {
  /// Name of the runtime's network, not one of ours.
  package var network: String
  /// The runtime's id of the container, whatever its length.
  package var container: String
  /// Name of the interface in the container: `eth0`; a container has several with one id.
  package var interface: String
  /// Path of the container's network namespace.
  package var namespace: String

  package init(network: String, container: String, interface: String, namespace: String) {
    (self.network, self.container) = (network, container)
    (self.interface, self.namespace) = (interface, namespace)
  }

  /// Name of the port: `pod-0123456789ab-eth0-1a2b3c4d`, at most 43 bytes.
  ///
  /// The beginning of the id is for people, who know it from `podman ps`; the digits are of the whole id and the
  /// interface's whole name, neither of which a port's name can hold.
  package static func portName(container: String, interface: String) -> String {
    let digits = String(UInt32(truncatingIfNeeded: digest(container, interface) >> 32), radix: 16)
    let padded = String(repeating: "0", count: 8 - digits.count) + digits
    return "pod-\(plain(container.prefix(12)))-\(plain(interface[...]))-\(padded)"
  }

  /// Name of the host's end of a veth: `apus` and 11 digits, as long as Linux allows.
  package static func hostInterface(container: String, interface: String) -> String {
    let digits = String(digest(container, interface) & 0xFFF_FFFF_FFFF, radix: 16)
    return "apus" + String(repeating: "0", count: 11 - digits.count) + digits
  }

  /// A zero byte is in neither of them.
  private static func digest(_ container: String, _ interface: String) -> UInt64 {
    StableHash.of("\(container)\0\(interface)".utf8)
  }

  private static func plain(_ text: Substring) -> String {
    String(decoding: text.lowercased().utf8.map { isPlain($0) ? $0 : UInt8(ascii: "-") }, as: UTF8.self)
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }
}
