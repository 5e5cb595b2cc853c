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
      (addresses[name] ?? []).map { "host-record=\(name).\(lab),\(name),\($0)" }
    }
  }

  private var leaseLines: [String] {
    let seconds = Int(definition.lease)
    var lines = ["dhcp-authoritative", "dhcp-leasefile=\(Self.quoted(leases))"]
    // The addresses are those of the file, or free: to ping each first would take three seconds.
    lines.append("no-ping")
    lines += definition.ranges.map { "dhcp-range=\($0.first),\($0.last),\(mask),\(seconds)" }
    // Without it only ranges would be served.
    lines.append("dhcp-range=\(own),static,\(mask),\(seconds)")
    lines.append("dhcp-option=option:router" + (definition.gateway.map { ",\($0)" } ?? ""))
    var known: Set<String> = []
    for host in definition.hosts {
      guard let address = host.addresses.first(where: { !$0.contains(":") }) else { continue }
      // The first NIC of a node has its name; two leases of one name would take it from each other.
      let name = known.insert(host.name).inserted ? ",\(host.name)" : ""
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
    let page = uefi.contains("://") ? uefi : "http://\(own)/\(uefi)"
    return lines + ["dhcp-boot=tag:web,\(Self.quoted(page))", "dhcp-option-force=tag:web,60,HTTPClient"]
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
