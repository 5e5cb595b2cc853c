import Topology

/// The lab file's lines: head, switches, nodes, links.
extension LabFileWriter {
  /// - Parameter withBlocks: texts of several lines are literal blocks where they can be.
  func lines(withBlocks: Bool) -> LabLines {
    var lines = LabLines()
    lines.hasNoBlocks = !withBlocks
    lines.comment("Imported from \(lab.tool) by `apus import`: \(path)")
    for comment in lab.comments { lines.comment(comment) }
    lines.add("version: 1")
    lines.add("name: \(names.lab)\(was(lab.name, names.lab))")
    lines.add("")
    let before = lines.lines.count
    writeVLANs(&lines)
    writeSwitches(&lines)
    if lines.lines.count > before { lines.add("") }
    writeNodes(&lines)
    writeLinks(&lines)
    return lines
  }

  /// What something was called, as a comment behind a line.
  func was(_ old: String, _ new: String) -> String { old == new ? "" : "  # \(ForeignText.comment(old))" }

  /// Says in a comment why an item is not there, and answers whether it is.
  func keeps(_ item: LabItem, _ what: @autoclosure () -> String, _ lines: inout LabLines) -> Bool {
    guard !lines.isFull else { return false }
    guard let reason = dropped[item] else { return true }
    lines.comment("not carried over: \(what()): \(reason)")
    return false
  }

  private func writeVLANs(_ lines: inout LabLines) {
    var map = NameMap()
    lines.section("vlans") { lines in
      for (place, vlan) in lab.vlans.enumerated() {
        let name = map.add(vlan.name, fallback: "vlan")
        let item = LabItem.vlanName(place)
        guard keeps(item, "\(vlan.name): \(vlan.id)", &lines) else { continue }
        lines.add("\(name): \(vlan.id)\(was(vlan.name, name))", item)
      }
    }
  }

  private func writeSwitches(_ lines: inout LabLines) {
    lines.section("switches") { lines in
      for (place, segment) in lab.segments.enumerated() {
        guard let name = names.segments[place], plan.forms[place] != .wire else { continue }
        for comment in segment.comments { lines.comment(comment) }
        let old = was(segment.name ?? segment.id, name)
        guard plan.forms[place] == .plainSwitch, keeps(.awareness(segment: place), "vlan-aware: off", &lines) else {
          lines.add("\(name):\(old)")
          continue
        }
        lines.add("\(name): { vlan-aware: off }\(old)", .awareness(segment: place))
      }
    }
  }

  private func writeLinks(_ lines: inout LabLines) {
    var links = LabLines()
    for (place, segment) in lab.segments.enumerated() {
      if case .wire = plan.forms[place] { links.inner { writeWire(place, segment, &$0) } }
      for (joint, value) in segment.joined.enumerated() {
        links.inner { writeJoint(place, joint, value, &$0) }
      }
    }
    guard !links.lines.isEmpty else { return }
    lines.add("")
    lines.add("links:")
    lines.append(links)
  }

  private func writeWire(_ place: Int, _ segment: ForeignSegment, _ lines: inout LabLines) {
    let members = plan.members[place]
    for comment in segment.comments { lines.comment(comment) }
    let ends = members.map { "\"\(names.nodes[$0.node]):\(names.nics[$0.node][$0.nic])\"" }.joined(separator: ", ")
    let old = segment.name.map { was($0, names.segments[place] ?? "") } ?? ""
    if let name = names.segments[place] {
      lines.add("- name: \(name)\(old)")
      lines.add("  ends: [\(ends)]")
    } else {
      lines.add("- ends: [\(ends)]")
    }
    guard members.count == 2 else { return }
    let (one, other) = (nic(members[0]), nic(members[1]))
    let item = LabItem.linkImpair(segment: place)
    let directions = [
      ("from-a", one.fromNode.followed(by: other.toNode)), ("from-b", other.fromNode.followed(by: one.toNode)),
    ]
    lines.inner { writeImpair(directions, item, &$0) }
  }

  private func writeJoint(
    _ place: Int, _ joint: Int, _ value: (segment: String, vlan: ForeignVLAN), _ lines: inout LabLines
  ) {
    guard let one = names.segments[place], let other = plan.places[value.segment].flatMap({ names.segments[$0] })
    else { return }
    let item = LabItem.joint(segment: place, joint)
    guard keeps(item, "a link between \(one) and \(other)", &lines) else { return }
    lines.add("- ends: [\(one), \(other)]", item)
    lines.inner { lines in for text in Self.membership(value.vlan) { lines.add(text, item) } }
  }

  /// Impairments by direction, under whatever has them.
  func writeImpair(
    _ directions: [(key: String, value: ForeignImpairment)], _ item: LabItem, _ lines: inout LabLines
  ) {
    let real = directions.filter { !$0.value.isEmpty }
    guard !real.isEmpty else { return }
    let text = real.map { "\($0.key): { \($0.value.settings) }" }.joined(separator: ", ")
    guard keeps(item, "impair: \(text)", &lines) else { return }
    lines.add("impair: { \(text) }", item)
  }

  /// The keys by which a port of a switch with VLANs is set.
  static func membership(_ vlan: ForeignVLAN) -> [String] {
    switch vlan {
    case .none: []
    case .access(let id): ["vlan: \(id)"]
    case .trunk(let list, let native):
      [list.map { "trunk: [\(with(native, $0).map { String($0) }.joined(separator: ", "))]" } ?? "trunk: all"]
        + (native.map { ["native: \($0)"] } ?? [])
    }
  }

  /// A trunk passes its native VLAN too.
  private static func with(_ native: Int?, _ list: [Int]) -> [Int] {
    native.map { list.contains($0) ? list : ([$0] + list).sorted() } ?? list
  }

  func nic(_ member: SegmentPlan.Member) -> ForeignNIC { lab.nodes[member.node].nics[member.nic] }
}

extension LabLines {
  /// Adds the lines of others, with their items.
  mutating func append(_ others: LabLines) {
    for (place, line) in others.lines.enumerated() where !isFull { add(line, others.items[place + 1]) }
    isFull = isFull || others.isFull
  }
}

extension ForeignImpairment {
  /// What two lines in a row do.
  func followed(by other: ForeignImpairment) -> ForeignImpairment {
    func either(_ one: Double, _ other: Double) -> Double {
      one == 0 ? other : other == 0 ? one : 100 - (100 - one) * (100 - other) / 100
    }
    var both = self
    both.delayMicroseconds = delayMicroseconds.addingReportingOverflow(other.delayMicroseconds).partialValue
    both.jitterMicroseconds = jitterMicroseconds.addingReportingOverflow(other.jitterMicroseconds).partialValue
    both.lossPercent = either(lossPercent, other.lossPercent)
    both.duplicatePercent = either(duplicatePercent, other.duplicatePercent)
    both.corruptPercent = either(corruptPercent, other.corruptPercent)
    both.rate = [rate, other.rate].compactMap { $0 }.min()
    return both
  }

  /// As the lab file has it; jitter is no more than the delay there.
  fileprivate var settings: String {
    var parts: [String] = []
    if delayMicroseconds > 0 { parts.append("delay: \(Self.time(delayMicroseconds))") }
    let jitter = min(jitterMicroseconds, delayMicroseconds)
    if jitter > 0 { parts.append("jitter: \(Self.time(jitter))") }
    for (key, value) in [("loss", lossPercent), ("duplicate", duplicatePercent), ("corrupt", corruptPercent)]
    where value > 0 {
      parts.append("\(key): \(Self.percent(value))%")
    }
    if let rate { parts.append("rate: \(rate % 1000 == 0 ? "\(rate / 1000)kbit" : "\(rate)bit")") }
    return parts.joined(separator: ", ")
  }

  private static func time(_ microseconds: UInt64) -> String {
    microseconds % 1000 == 0 ? "\(microseconds / 1000)ms" : "\(microseconds)us"
  }

  /// Six places behind the point, as no exponent is read.
  private static func percent(_ value: Double) -> String {
    let millionths = UInt64((min(max(value, 0), 1000) * 1_000_000).rounded())
    let (whole, rest) = (millionths / 1_000_000, millionths % 1_000_000)
    guard rest > 0 else { return "\(whole)" }
    var digits = String(rest)
    digits = String(repeating: "0", count: 6 - digits.count) + digits
    while digits.hasSuffix("0") { digits.removeLast() }
    return "\(whole).\(digits)"
  }
}
