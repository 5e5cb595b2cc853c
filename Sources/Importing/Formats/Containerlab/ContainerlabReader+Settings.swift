import Topology

/// What nodes say beside their links.
extension ContainerlabReader {
  /// Said once for a file, with the number of nodes.
  private static let ofManagement: Set<String> = ["mgmt-ipv4", "mgmt-ipv6", "ports"]
  /// Read elsewhere.
  private static let used: Set<String> = ["kind", "group", "exec", "stages", "sysctls", "env", "env-files"]
  private static let idle: Set<String> = [
    "labels", "image-pull-policy", "auto-remove", "runtime", "link-apply-mode", "enforce-startup-config",
    "suppress-startup-config", "restart-policy", "pid-mode", "cgroupns-mode", "cgroup-parent", "shm-size", "privileged",
    "cap-add", "security-opts", "cpu-set", "healthcheck", "tmpfs", "hostname",
  ]

  mutating func furnish(_ place: Int) {
    let (name, line, definition) = definitions[place]
    guard case .node(let node)? = roles[name] else {
      for (key, line) in definition.keys where !["kind", "network-mode", "group", "labels"].contains(key) {
        guard hasRoom(for: key.utf8.count + 64, line) else { return }
        note(.lost, line, "nodes.\(name).\(key)", "a switch has no such thing")
      }
      return
    }
    for (key, line) in definition.keys.sorted(by: { $0.line < $1.line }) where !Self.used.contains(key) {
      guard !shared.isUsedUp else { return }
      setting(key, line, name, definition, node)
    }
    readEnvironment(name, line, definition, node)
    for entry in definition.mapping("sysctls") where !shared.isUsedUp { sysctl(entry, name, node) }
    readStages(name, definition, node)
    let isRouter = ContainerlabKind.linux.contains(definition.kind) && lab.nodes[node].nics.count > 1
    if isRouter { lab.nodes[node].isForwarding = true }
    readExec(name, definition, node)
  }

  private mutating func setting(_ key: String, _ line: Int, _ name: String, _ definition: ContainerlabNode, _ node: Int)
  {
    let value = definition.value(key)
    let full = "nodes.\(name).\(key)"
    switch key {
    case _ where Self.ofManagement.contains(key):
      let known = counted[key] ?? (0, line)
      counted[key] = (known.count + 1, min(known.line, line))
    case _ where Self.idle.contains(key): note(.withoutEffect, line, full, "it has no meaning here")
    case "image" where lab.nodes[node].kind == .container:
      lab.nodes[node].image = ImageWords.qualified(value?.text ?? "")
    case "cmd" where lab.nodes[node].kind == .container: lab.nodes[node].command = value?.text
    case "memory" where lab.nodes[node].kind == .vm:
      guard let bytes = value?.text.flatMap({ Units.size($0.replacing(" ", with: "")) }), bytes > 0 else {
        return lose(node, line, full, "\(value?.found ?? "") is no size")
      }
      lab.nodes[node].memory = max(UInt64(bytes), 80 << 20)
    case "cpu" where lab.nodes[node].kind == .vm:
      guard let count = value?.text.flatMap({ Double($0) }), count > 0, count <= 255 else {
        return lose(node, line, full, "\(value?.found ?? "") is no number of processors")
      }
      lab.nodes[node].cpus = Int(count.rounded(.up))
    case "network-mode": networkMode(value?.text ?? "", line, full, node)
    default: lose(node, line, full, Self.reason(key, value))
    }
  }

  private static func reason(_ key: String, _ value: ForeignValue?) -> String {
    let text = value?.text.map { "\(key) \($0)" } ?? key
    switch key {
    case "image": return "\(text): --kind container takes it"
    case "cmd", "entrypoint": return "\(text): a namespace runs nothing by itself"
    case "type": return "\(text): the model of a device"
    default: return "\(text): a lab file has no such thing"
    }
  }

  private mutating func networkMode(_ mode: String, _ line: Int, _ key: String, _ node: Int) {
    if mode == "none" || mode.hasPrefix("container:") { return }
    lose(node, line, key, "network-mode \(mode): a node is never in the network of the host")
  }

  /// Notes what has no equal, and says it beside the node; what several nodes have from one line is one note.
  private mutating func lose(_ node: Int, _ line: Int, _ key: String, _ reason: String) {
    guard hasRoom(for: reason.utf8.count + 64, line) else { return }
    lab.nodes[node].comments.append("line \(line): \(reason)")
    let loss = Loss(line: line, reason: reason)
    if let place = losses[loss] {
      sharers[place, default: 1] += 1
    } else {
      losses[loss] = lab.notes.count
      note(.lost, line, key, reason)
    }
  }

  /// Says of notes how many nodes they are about.
  mutating func countSharers() {
    for (place, count) in sharers { lab.notes[place].reason += " (of \(count) nodes)" }
  }

  private mutating func sysctl(_ entry: (key: String, line: Int, value: ForeignValue), _ name: String, _ node: Int) {
    guard entry.key.hasPrefix("net."), let value = entry.value.text, lab.nodes[node].kind != .vm else {
      return lose(node, entry.line, "nodes.\(name).sysctls", "\(entry.key): only those of net. are a node's")
    }
    guard hasRoom(for: entry.key.utf8.count + value.utf8.count + 16, entry.line) else { return }
    lab.nodes[node].sysctl.append((entry.key, value))
  }

  // MARK: - environment

  private mutating func readEnvironment(_ name: String, _ line: Int, _ definition: ContainerlabNode, _ node: Int) {
    var all: [String: String] = [:]
    var order: [String] = []
    func set(_ key: String, _ value: String) {
      if all.updateValue(value, forKey: key) == nil { order.append(key) }
    }
    for file in definition.list("env-files") {
      guard let path = file.text else { continue }
      for (key, value) in variables(path, file.line) {
        guard hasRoom(for: key.utf8.count + value.utf8.count + 16, file.line) else { return }
        set(key, value)
      }
    }
    let own = definition.mapping("env")
    for entry in own where entry.key != "__IMPORT_ENVS" {
      let value = entry.value.text ?? ""
      guard hasRoom(for: entry.key.utf8.count + value.utf8.count + 16, entry.line) else { return }
      set(entry.key, value)
    }
    guard !order.isEmpty else { return }
    guard lab.nodes[node].kind == .container else {
      let reason = "env \(order.prefix(8).joined(separator: ", ")): variables are of containers, --kind container"
      return lose(node, own.first?.line ?? line, "nodes.\(name).env", reason)
    }
    lab.nodes[node].env = order.map { ($0, all[$0] ?? "") }
  }

  /// `KEY=VALUE` lines of a file of the folder, which is read once.
  private mutating func variables(_ path: String, _ line: Int) -> [(key: String, value: String)] {
    if let known = variableFiles[path] { return known }
    let read = readVariables(path, line)
    variableFiles[path] = read
    return read
  }

  private mutating func readVariables(_ path: String, _ line: Int) -> [(key: String, value: String)] {
    guard mayRead(path) else {
      fault(
        line, "env-files: \"\(path)\" is hidden or in another folder, and the topology was named alone",
        hint: "name the folder")
      return []
    }
    let text: String?
    do throws(ImportFault) { text = try files.read(path) } catch {
      fault(line, "env-files: \(error.message)")
      return []
    }
    guard let text else {
      fault(line, "env-files: there is no file \"\(path)\" in the folder")
      return []
    }
    note(.changed, line, "env-files", "the variables of \(path) are taken in")
    return text.split(whereSeparator: \.isNewline).compactMap { line in
      guard let equals = line.firstIndex(of: "="), !line.hasPrefix("#") else { return nil }
      let value = line[line.index(after: equals)...].filter { $0 != "\"" }
      return (String(line[..<equals]), value)
    }
  }

  /// Who names one file means no others that lie further down, nor what is hidden: the topology may be a stranger's.
  private func mayRead(_ path: String) -> Bool {
    guard files.named.count == 1 else { return true }
    let parts = path.split(separator: "/").filter { $0 != "." }
    return parts.count == 1 && !(parts.first?.hasPrefix(".") ?? true)
  }

  // MARK: - what runs

  private mutating func readStages(_ name: String, _ definition: ContainerlabNode, _ node: Int) {
    let stages = definition.mapping("stages")
    guard let first = stages.first, hasRoom(for: lab.nodes[node].after.count, first.line) else { return }
    var waits = Set(lab.nodes[node].after)
    for stage in stages {
      for wait in stage.value["wait-for"]?.list ?? [] {
        guard hasRoom(for: 64, wait.line) else { return }
        guard let other = wait["node"]?.text else { continue }
        guard roles[other] != nil else {
          fault(wait.line, "there is no node \"\(other)\"")
          continue
        }
        guard [.vm, .container].contains(lab.nodes[node].kind), case .node(let target)? = roles[other], target != node
        else {
          let reason = "waits for \(other): a namespace is there at once, and waits for nobody"
          note(.withoutEffect, wait.line, "nodes.\(name).stages", reason)
          continue
        }
        let id = lab.nodes[target].id
        if waits.insert(id).inserted { lab.nodes[node].after.append(id) }
      }
    }
  }

  private mutating func readExec(_ name: String, _ definition: ContainerlabNode, _ node: Int) {
    var commands = definition.list("exec")
    for stage in definition.mapping("stages") {
      commands += ["on-enter", "on-exit"].flatMap { stage.value["exec"]?[$0]?.list ?? [] }.map { $0["command"] ?? $0 }
    }
    // Nodes that share a network are one with many NICs.
    guard !commands.isEmpty, hasRoom(for: lab.nodes[node].nics.count, commands[0].line) else { return }
    // What a vendor's machine is told is not for a shell of ours.
    guard lab.nodes[node].kind != .vm || ContainerlabKind.linux.contains(definition.kind) else {
      for command in commands where !shared.isUsedUp {
        lose(node, command.line, "nodes.\(name).exec", "not run: \(command.text ?? "")")
      }
      return
    }
    var script = ShellApplication(path: shown, key: "nodes.\(name).exec", node: lab.nodes[node])
    for command in commands {
      guard let text = command.text else { continue }
      guard hasRoom(for: text.utf8.count + 16, command.line) else { return }
      let line = ContainerlabVariables.magic(text, node: name, lab: lab.name)
      script.apply(line, first: command.line, isOneLine: true, to: &lab.nodes[node])
    }
    script.finish(&lab.nodes[node])
    lab.notes += script.notes
  }
}
