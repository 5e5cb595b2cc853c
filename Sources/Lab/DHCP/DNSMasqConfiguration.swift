import Topology

/// What dnsmasq is told of one VLAN.
///
/// Pure: plain values in, the text of its configuration file out (dnsmasq(8), "CONFIG FILE": an option a line).
struct DNSMasqConfiguration: Sendable {
  var lab: String
  var definition: DHCPDefinition
  /// The server's own address, with prefix length.
  var address: String
  var interface: String
  var leases: String
  var log: String
  var pid: String

  var text: String { (basics + names + leaseLines + bootLines).joined(separator: "\n") + "\n" }

  private var own: String { String(address.prefix { $0 != "/" }) }

  private var basics: [String] {
    [
      // Nothing of the host: not its names, not its name servers, not its settings.
      "no-hosts", "no-resolv", "no-poll", "port=53", "interface=\(interface)", "except-interface=lo",
      "bind-interfaces",
      // It reads folders of whoever made the lab, and is alone in a namespace.
      "user=root", "group=root", "pid-file=\(Self.quoted(pid))", "log-facility=\(Self.quoted(log))",
      // A name without a domain that is not the lab's is unknown; without this, some resolvers are told "refused".
      "domain-needed", "bogus-priv", "domain=\(lab)", "local=/\(lab)/", "expand-hosts",
    ]
  }

  /// Each name with all of its addresses.
  private var names: [String] {
    var addresses: [String: [String]] = [:]
    var order: [String] = []
    for host in definition.hosts {
      if addresses[host.name] == nil { order.append(host.name) }
      addresses[host.name, default: []] += host.addresses
    }
    return order.flatMap { name in
      // Digits alone would be the record's time to live.
      let short = name.allSatisfy { $0.isNumber } ? "\(name)." : name
      return (addresses[name] ?? []).map { "host-record=\(name).\(lab),\(short),\($0)" }
    }
  }

  private var leaseLines: [String] {
    let seconds = Int(definition.lease)
    var lines = ["dhcp-authoritative", "dhcp-leasefile=\(Self.quoted(leases))"]
    // The addresses are those of the file, or free: to ping each first would take three seconds.
    lines.append("no-ping")
    // A stranger could say that it is one of the lab.
    lines.append("dhcp-ignore-names")
    lines.append("dhcp-lease-max=\(leaseLimit)")
    lines += definition.ranges.map { "dhcp-range=\($0.first),\($0.last),\(mask),\(seconds)" }
    // Without it only ranges would be served.
    lines.append("dhcp-range=\(own),static,\(mask),\(seconds)")
    lines.append("dhcp-option=option:router" + (definition.gateway.map { ",\($0)" } ?? ""))
    var known: Set<String> = []
    for host in definition.hosts {
      guard let address = host.addresses.first(where: { !$0.contains(":") }) else { continue }
      // The first NIC of a node has its name; two leases of one name would take it from each other.
      // With the lab's domain, which dnsmasq takes off again: `ignore`, `infinite`, `7` and `10s` are no names to it.
      let name = known.insert(host.name).inserted ? ",\(host.name).\(lab)" : ""
      lines.append("dhcp-host=\(host.mac),\(address)\(name),\(seconds)")
    }
    return lines
  }

  private var bootLines: [String] {
    guard let boot = definition.boot else { return [] }
    var lines = [
      "enable-tftp", "tftp-root=\(Self.quoted(boot.root))",
      // The name of the file where every firmware looks for it: shim reads no option.
      "dhcp-no-override",
      // Client system architectures (RFC 4578 section 2.1; 16 is HTTP boot, RFC 5970 and IANA's list).
      "dhcp-match=set:uefi,option:client-arch,7", "dhcp-match=set:uefi,option:client-arch,9",
      "dhcp-match=set:web,option:client-arch,16",
    ]
    if let bios = boot.bios { lines.append("dhcp-boot=tag:!uefi,tag:!web,\(Self.quoted(bios))") }
    guard let uefi = boot.uefi else { return lines }
    lines.append("dhcp-boot=tag:uefi,\(Self.quoted(uefi))")
    let page = uefi.contains("://") ? uefi : "http://\(own)/\(Self.encoded(uefi))"
    return lines + ["dhcp-boot=tag:web,\(Self.quoted(page))", "dhcp-option-force=tag:web,60,HTTPClient"]
  }

  /// Leases that there can be at a time: dnsmasq's own limit, or all there are to have, within a bound of memory.
  private var leaseLimit: Int {
    let pool = definition.ranges.reduce(0) { sum, range -> Int in
      guard let first = Self.number(range.first), let last = Self.number(range.last), first <= last else { return sum }
      return min(sum + last - first + 1, Self.poolLimit)
    }
    return max(1000, definition.hosts.count + pool)
  }

  private static let poolLimit = 100_000

  /// The number that an IPv4 address is; nil for another text.
  private static func number(_ address: String) -> Int? {
    let parts = address.split(separator: ".").compactMap { UInt8($0) }
    guard parts.count == 4 else { return nil }
    return parts.reduce(0) { number, part -> Int in number << 8 | Int(part) }
  }

  /// A path as an address of the web has it (RFC 3986 section 3.3).
  private static func encoded(_ path: String) -> String {
    let plain = Set("-._~!$&'()*+,;=:@/".utf8)
    return path.utf8.map { byte -> String in
      let isLetterOrDigit =
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
      if isLetterOrDigit || plain.contains(byte) { return String(UnicodeScalar(byte)) }
      return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }.joined()
  }

  /// The mask of the subnet.
  private var mask: String {
    let length = Int(address.drop { $0 != "/" }.dropFirst()) ?? 32
    let bits: UInt32 = length <= 0 ? 0 : ~0 << UInt32(32 - min(length, 32))
    return [24, 16, 8, 0].map { "\(bits >> UInt32($0) & 0xFF)" }.joined(separator: ".")
  }

  /// A value in which commas and the like mean nothing; no value has a line break.
  private static func quoted(_ text: String) -> String {
    "\"" + text.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] } + "\""
  }
}
