import Topology

/// What devices are beside their NICs: metas, scripts, files.
extension KatharaReader {
  /// Metas of which each value counts; of the others the last one.
  private static let adding: Set<String> = ["exec", "port", "sysctl", "env", "ulimit", "volume"]

  mutating func applyMetas(_ place: Int) {
    let device = lab.nodes[place].name
    let all = metas[device] ?? []
    var last: [String: Int] = [:]
    for (index, meta) in all.enumerated() { last[meta.key] = index }
    if lab.nodes[place].nics.count > 1 { lab.nodes[place].isForwarding = true }
    if hostKind == .container {
      lab.nodes[place].image = "docker.io/kathara/base"
      lab.nodes[place].command = "sleep infinity"
    }
    for (index, meta) in all.enumerated() where Self.adding.contains(meta.key) || last[meta.key] == index {
      if meta.key != "exec" { apply(meta.key, meta.value, meta.line, place) }
    }
    applyExec(all.filter { $0.key == "exec" }.map { ($0.value, $0.line) }, place)
    lab.nodes[place].env = LastOfEach.of(lab.nodes[place].env)
    lab.nodes[place].sysctl = LastOfEach.of(lab.nodes[place].sysctl)
  }

  private mutating func apply(_ key: String, _ value: String, _ line: Int, _ place: Int) {
    let name = "\(lab.nodes[place].name)[\(key)]"
    switch key {
    case "image":
      guard hostKind != .container else { return lab.nodes[place].image = ImageWords.qualified(value) }
      lose(place, line, name, "image \(value): --kind container takes it")
    case "bridged": applyBridged(value, line, name, place)
    case "mem", "memory":
      guard hostKind == .vm, let bytes = Self.bytes(value) else {
        return lose(place, line, name, "\(key) \(value): memory is of machines, --kind vm")
      }
      lab.nodes[place].memory = max(bytes, 80 << 20)
    case "cpu", "cpus":
      guard hostKind == .vm, let count = Double(value), count > 0, count <= 255 else {
        return lose(place, line, name, "\(key) \(value): processors are of machines, --kind vm")
      }
      lab.nodes[place].cpus = Int(count.rounded(.up))
    case "ipv6":
      guard ["false", "f", "0", "no", "n", "off"].contains(value.lowercased()) else { return }
      lab.nodes[place].sysctl.append(("net.ipv6.conf.all.disable_ipv6", "1"))
    case "sysctl": applySysctl(value, line, name, place)
    case "env":
      let parts = value.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard hostKind == .container, parts.count == 2 else {
        return lose(place, line, name, "env \(value): variables are of containers, --kind container")
      }
      lab.nodes[place].env.append((String(parts[0]), String(parts[1])))
    case "num_terms", "shell", "privileged":
      note(.withoutEffect, line, name, "it has no meaning here")
    default: lose(place, line, name, "\(key) \(value): a lab file has no such thing")
    }
  }

  /// What runs once the device is there: after all that it is.
  private mutating func applyExec(_ lines: [(value: String, line: Int)], _ place: Int) {
    guard !lines.isEmpty else { return }
    let name = "\(lab.nodes[place].name)[exec]"
    var script = ShellApplication(path: files.shown(Self.configuration), key: name, node: lab.nodes[place])
    for (value, line) in lines { script.apply(value, first: line, isOneLine: true, to: &lab.nodes[place]) }
    script.finish(&lab.nodes[place])
    lab.notes += script.notes
  }

  private static func bytes(_ text: String) -> UInt64? {
    guard let bytes = Units.size(text), bytes > 0 else { return nil }
    return UInt64(bytes)
  }

  /// One more NIC, behind the others, that leads to the host.
  private mutating func applyBridged(_ value: String, _ line: Int, _ name: String, _ place: Int) {
    guard ["true", "t", "1", "yes", "y", "on"].contains(value.lowercased()) else { return }
    let number = lab.nodes[place].nics.count
    var nic = ForeignNIC(name: "eth\(number)", line: line)
    nic.number = number
    nic.comments.append("bridged: led to the host, and through it further")
    lab.nodes[place].nics.append(nic)
    note(.lost, line, name, "eth\(number) led to the host; it is there, and plugged in nowhere")
  }

  private mutating func applySysctl(_ value: String, _ line: Int, _ name: String, _ place: Int) {
    let parts = value.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
    guard parts.count == 2, parts[0].hasPrefix("net.") else {
      return lose(place, line, name, "sysctl \(value): only those of net. are a node's")
    }
    lab.nodes[place].sysctl.append((parts[0], parts[1]))
  }

  /// Notes what has no equal, and says it beside the node.
  private mutating func lose(_ place: Int, _ line: Int, _ name: String, _ reason: String) {
    note(.lost, line, name, reason)
    lab.nodes[place].comments.append("line \(line): \(reason)")
  }

  // MARK: - scripts and files

  /// `shared.startup` runs in all devices, then the device's own; a script without a device is of nobody.
  mutating func readScripts() {
    let common = "shared.startup"
    let shared = script(common)
    if let shared, !hasRoom(for: shared.utf8.count * lab.nodes.count, in: common) { return }
    for place in lab.nodes.indices {
      let device = lab.nodes[place].name
      for (file, text) in [(common, shared), ("\(device).startup", script("\(device).startup"))] {
        guard let text else { continue }
        var application = ShellApplication(path: files.shown(file), key: file, node: lab.nodes[place])
        application.apply(text, first: 1, to: &lab.nodes[place])
        application.finish(&lab.nodes[place])
        lab.notes += application.notes
      }
    }
    for path in files.paths where path.hasSuffix(".startup") && !path.contains("/") && path != common {
      guard places[String(path.dropLast(".startup".count))] == nil else { continue }
      note(.withoutEffect, nil, path, "lab.conf names no such device", in: path)
    }
    readFolders()
  }

  private mutating func script(_ file: String) -> String? {
    do throws(ImportFault) { return try files.read(file) } catch {
      fault(error)
      return nil
    }
  }

  /// What is in a device's folder is copied over its root: into containers and machines, but not into this host.
  private mutating func readFolders() {
    var counts: [Int: Int] = [:]
    for path in files.paths {
      let parts = path.split(separator: "/", maxSplits: 1)
      guard parts.count == 2, let place = places[String(parts[0])] else { continue }
      guard [.container, .vm].contains(hostKind) else {
        counts[place, default: 0] += 1
        continue
      }
      guard !shared.isUsedUp else { return }
      addFile(path, as: "/\(parts[1])", place)
    }
    for (place, count) in counts.sorted(by: { $0.key < $1.key }) {
      let device = lab.nodes[place].name
      let reason = "\(count) \(count == 1 ? "file" : "files") of its folder: a namespace has the files of this host"
      note(.lost, nil, device, reason, in: device)
      lab.nodes[place].comments.append("not carried over: \(reason)")
    }
  }

  /// Largest file that a lab file takes in, in bytes.
  private static let largestFile = 64 << 10

  private mutating func addFile(_ path: String, as target: String, _ place: Int) {
    let text: String?
    do throws(ImportFault) { text = try files.read(path) } catch { text = nil }
    guard let text, text.utf8.count <= Self.largestFile else {
      return note(.lost, nil, target, "it is no text of at most \(Self.largestFile) bytes", in: path)
    }
    guard hasRoom(for: text.utf8.count, in: path) else { return }
    lab.nodes[place].files.append((target, text))
  }
}
