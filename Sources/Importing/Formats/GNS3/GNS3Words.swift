import Topology

/// How a port of GNS3's switch is set, in our words.
enum GNS3VLAN {
  /// - Parameters:
  ///   - kind: `access`, `dot1q` (the VLAN is the native one of a trunk) or `qinq`.
  static func read(
    _ kind: String, _ vlan: ForeignValue?, port: String, node: String, _ findings: inout Findings
  ) -> ForeignVLAN {
    let id = findings.number(vlan, "\(node): vlan", in: 1...4094) ?? 1
    switch kind {
    case "dot1q": return .trunk(nil, native: id)
    case "access": return .access(id)
    default:
      let reason = "\(kind.inQuotes) has no equal here: the port is an access port of VLAN \(id)"
      findings.note(.lost, "nodes.\(node).\(port).type", line: vlan?.line, reason)
      return .access(id)
    }
  }
}

/// The filters of a link of GNS3, which count in both directions.
enum GNS3Filters {
  static func read(
    _ filters: [(key: String, line: Int, value: ForeignValue)], _ findings: inout Findings
  ) -> ForeignImpairment {
    var impairment = ForeignImpairment()
    for (key, line, value) in filters {
      let words = value.list ?? [value]
      switch key {
      case "delay":
        impairment.delayMicroseconds = microseconds(words.first, "filters.delay", &findings)
        let jitter = microseconds(words.dropFirst().first, "filters.delay", &findings)
        impairment.jitterMicroseconds = min(jitter, impairment.delayMicroseconds)
        if jitter > impairment.delayMicroseconds {
          findings.note(.changed, "filters.delay", line: line, "the jitter is at most the delay")
        }
      case "packet_loss": impairment.lossPercent = percent(words.first, "filters.packet_loss", &findings)
      case "corrupt": impairment.corruptPercent = percent(words.first, "filters.corrupt", &findings)
      case "frequency_drop" where words.first?.text == "-1": impairment.lossPercent = 100
      case "frequency_drop" where words.first?.text == "0": continue
      default: findings.note(.lost, "filters.\(key)", line: line, "it has no equal here")
      }
    }
    return impairment
  }

  /// Of a number of milliseconds; ours are an hour at most.
  private static func microseconds(_ value: ForeignValue?, _ key: String, _ findings: inout Findings) -> UInt64 {
    UInt64(findings.number(value, key, in: 0...3_600_000) ?? 0) * 1000
  }

  private static func percent(_ value: ForeignValue?, _ key: String, _ findings: inout Findings) -> Double {
    Double(findings.number(value, key, in: 0...100) ?? 0)
  }
}

/// The files of small hosts beside a project.
enum GNS3Scripts {
  /// The script of a node that is called by its id; nil = there is none.
  static func read(
    id: String, file: (String) throws(ImportFault) -> (text: String, path: String)?
  ) throws(ImportFaults) -> (text: String, path: String)? {
    let isPlain =
      id.utf8.count <= 64
      && id.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || byte == UInt8(ascii: "-")
      }
    guard isPlain, !id.isEmpty else { return nil }
    do throws(ImportFault) {
      return try file("project-files/vpcs/\(id)/startup.vpc")
    } catch {
      throw ImportFaults(error)
    }
  }
}

/// What both versions of projects say of a machine beside its ports: memory, processors, images and configurations.
enum GNS3Hardware {
  static func read(_ properties: ForeignValue, into node: inout GNS3Node, _ findings: inout Findings) {
    let ram = findings.number(properties["ram"], "\(node.name): ram", in: 0...1 << 20) ?? 0
    if ram > 0 { node.memory = UInt64(ram) << 20 }
    node.cpus = findings.number(properties["cpus"], "\(node.name): cpus", in: 0...1024).flatMap { $0 > 0 ? $0 : nil }
    for key in ["hda_disk_image", "image", "path", "vmname", "vmx_path"] where node.image == nil {
      node.image = findings.text(properties[key], key).flatMap { $0.isEmpty ? nil : $0 }
    }
    for key in lostKeys {
      guard let value = properties[key], let text = value.text, !text.isEmpty else { continue }
      findings.note(.lost, "nodes.\(node.name).\(key)", line: value.line, "it has no equal here")
      keep(key, text, &node)
    }
    for key in configurations {
      guard let value = properties[key], let text = value.text, !text.isEmpty else { continue }
      findings.note(
        .lost, "nodes.\(node.name).\(key)", line: value.line, "the machine's own configuration stays where it is")
      if key.hasSuffix("content") { node.comments.append("it has a \(key)") } else { keep(key, text, &node) }
    }
  }

  /// Longest text that becomes a comment, in bytes.
  private static let longestComment = 200

  private static func keep(_ key: String, _ text: String, _ node: inout GNS3Node) {
    if text.utf8.count <= longestComment { node.comments.append("\(key): \(text)") }
  }

  private static let lostKeys = [
    "hdb_disk_image", "hdc_disk_image", "hdd_disk_image", "bios_image", "cdrom_image", "kernel_image", "initrd",
    "kernel_command_line", "options", "extra_hosts",
  ]
  private static let configurations = [
    "startup_config_content", "private_config_content", "startup_config", "private_config",
  ]
}
