/// A part of the lab file that can be left out if it does not validate; places are indices in the `ForeignLab`.
enum LabItem: Hashable, Sendable {
  case address(node: Int, nic: Int, Int)
  case gateway(node: Int, nic: Int, Int)
  case route(node: Int, nic: Int, Int)
  case mac(node: Int, nic: Int)
  case mtu(node: Int, nic: Int)
  case queues(node: Int, nic: Int)
  case model(node: Int, nic: Int)
  case role(node: Int, nic: Int)
  case socket(node: Int, nic: Int)
  case vlan(node: Int, nic: Int)
  case impair(node: Int, nic: Int)
  /// Of a wire.
  case linkImpair(segment: Int)
  case joint(segment: Int, Int)
  /// `vlan-aware: off`.
  case awareness(segment: Int)
  case exec(node: Int, Int)
  case sysctl(node: Int, Int)
  case file(node: Int, Int)
  case env(node: Int, Int)
  case after(node: Int, Int)
  case command(node: Int)
  case image(node: Int)
  case memory(node: Int)
  case cpus(node: Int)
  case forwarding(node: Int)
  case userData(node: Int)
  case networkConfig(node: Int)
  case vlanName(Int)
  /// A key of a node with all that is below it.
  case section(node: Int, String)
  /// What it is: a namespace if it cannot be what it should.
  case kind(node: Int)
}

/// The lines of a lab file as they are made, each with what it could be left out as.
struct LabLines {
  private(set) var lines: [String] = []
  /// By line, from 1.
  private(set) var items: [Int: LabItem] = [:]
  private var depth = 0
  /// Largest lab file in bytes.
  static let largestSize = 10 << 20
  /// With the ends of the lines.
  private var size = 0
  /// There is more than a lab file may have: what came last is left out, and nothing is to be made of the rest.
  var isFull = false
  /// No literal block is written.
  var hasNoBlocks = false

  mutating func add(_ text: String, _ item: LabItem? = nil) {
    size += text.utf8.count + 2 * depth + 1
    guard !isFull, size <= Self.largestSize else { return isFull = true }
    lines.append(text.isEmpty ? "" : String(repeating: "  ", count: depth) + text)
    if let item { items[lines.count] = item }
  }

  mutating func comment(_ text: String) { add("# \(ForeignText.comment(text))") }

  /// Lines that are further in.
  mutating func inner(_ body: (inout LabLines) -> Void) {
    depth += 1
    body(&self)
    depth -= 1
  }

  /// `key:` and what is below it; nothing if that is nothing.
  mutating func section(_ key: String, _ item: LabItem? = nil, _ body: (inout LabLines) -> Void) {
    let before = lines.count
    add("\(key):", item)
    inner(body)
    guard !isFull else { return }
    guard !lines.dropFirst(before + 1).contains(where: { !$0.drop { $0 == " " }.hasPrefix("#") }) else { return }
    // Comments alone are no mapping.
    items[before + 1] = nil
    if lines.count == before + 1 {
      lines.removeLast()
    } else {
      lines[before] = lines[before].replacing(key, with: "# \(key)")
    }
  }

  /// A key with some values: one of them in its line, several as a list.
  mutating func values(_ key: String, _ values: [(text: String, item: LabItem)]) {
    guard let first = values.first else { return }
    guard values.count > 1 else { return add("\(key): \(first.text)", first.item) }
    section(key) { lines in for value in values { lines.add("- \(value.text)", value.item) } }
  }

  /// A key with a text of any length.
  mutating func text(_ key: String, _ text: String, _ item: LabItem) {
    guard !hasNoBlocks, let block = ForeignText.block(text) else {
      return add("\(key): \(ForeignText.quoted(text))", item)
    }
    add("\(key): |", item)
    inner { lines in for line in block { lines.add(line, item) } }
  }

  var text: String { lines.joined(separator: "\n") + "\n" }
}
