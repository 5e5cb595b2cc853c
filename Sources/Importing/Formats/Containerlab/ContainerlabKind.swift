/// What kinds of containerlab's nodes are here, and how they number their interfaces.
enum ContainerlabKind {
  /// Containers with Linux that are hosts or routers by what is run in them.
  static let linux: Set<String> = ["linux", "ext-container", "host", "k8s-kind", "border0", ""]
  static let bridges: Set<String> = ["bridge", "ovs-bridge"]

  /// Kinds that are virtual machines within containers.
  private static let machines: Set<String> = [
    "nokia_sros", "juniper_vmx", "juniper_vqfx", "juniper_vsrx", "juniper_vjunosrouter", "juniper_vjunosswitch",
    "juniper_vjunosevolved", "cisco_xrv", "cisco_xrv9k", "arista_veos", "cisco_csr1000v", "paloalto_panos",
    "mikrotik_ros", "cisco_n9kv", "cisco_ftdv", "dell_ftosv", "dell_sonic", "aruba_aoscx", "ipinfusion_ocnos",
    "checkpoint_cloudguard", "cisco_c8000v", "cisco_cat9kv", "cisco_asav", "cisco_vios", "nvidia_cumulusvx",
    "huawei_vrp", "openbsd", "freebsd", "generic_vm", "fortinet_fortigate", "f5_bigip-ve", "cisco_sdwan", "openwrt",
    "sonic-vm", "ciena_saos", "6wind_vsr", "arrcus_arcos", "spirent_stc", "plvision_sonic",
  ]

  static func isMachine(_ kind: String) -> Bool { kind.hasPrefix("vr-") || machines.contains(kind) }

  /// The number N of `ethN` that an interface has in its container; nil = only its order counts.
  static func number(of interface: String, kind: String) -> Int? {
    let numbers = numbers(interface)
    if interface.hasPrefix("eth"), numbers.count == 1, interface == "eth\(numbers[0])" { return numbers[0] }
    guard numbers.allSatisfy({ $0 < 1000 }), let last = numbers.last else { return nil }
    switch kind {
    case "cisco_iol" where numbers.count == 2: return 4 * numbers[0] + numbers[1]
    case "cisco_csr1000v", "cisco_c8000v", "vr-csr", "cisco_sdwan":
      return numbers.count == 1 && last > 0 ? last - 1 : nil
    case "nokia_srlinux", "srl":
      return numbers.count == 2 && numbers[0] == 1 ? last : nil
    case "nokia_sros", "vr-sros", "arista_veos", "vr-veos":
      return numbers.dropLast().allSatisfy { $0 == 1 } ? last : nil
    case "arista_ceos", "ceos": return numbers.count == 1 ? last : nil
    case "juniper_vsrx", "juniper_vmx", "juniper_vjunosrouter", "juniper_vjunosswitch", "juniper_vjunosevolved",
      "juniper_vqfx", "vr-vsrx", "vr-vmx", "vr-vqfx", "vr-vjunosswitch":
      return numbers.count == 3 && numbers[0] == 0 && numbers[1] == 0 ? last + 1 : nil
    case "cisco_xrv9k", "cisco_xrv", "vr-xrv9k", "vr-xrv": return numbers.count == 4 ? last + 1 : nil
    default: return nil
    }
  }

  /// The numbers in a name, for its place among others.
  static func numbers(_ name: String) -> [Int] {
    name.split { !($0.isASCII && $0.isNumber) }.compactMap { $0.count <= 9 ? Int($0) : nil }
  }

  /// Whether one name comes before another as people number interfaces.
  static func precedes(_ one: String, _ other: String) -> Bool {
    let (first, second) = (numbers(one), numbers(other))
    let (head, tail) = (one.prefix { !$0.isNumber }, other.prefix { !$0.isNumber })
    if head != tail { return head < tail }
    if first != second { return first.lexicographicallyPrecedes(second) }
    return one < other
  }
}
