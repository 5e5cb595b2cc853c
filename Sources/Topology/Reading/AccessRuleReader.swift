import Frames

/// Reads the rules of an access list.
struct AccessRuleReader {
  let reporter: Reporter

  private var values: ValueReader { ValueReader(reporter: reporter) }

  /// The rules of one way; nil when they are wrong.
  func rules(_ node: YAMLNode, _ key: String, of list: String) -> [AccessRuleDefinition]? {
    guard let items = values.items(node, key, of: "rules such as { allow: tcp, port: 80 }") else { return nil }
    guard items.count <= Limits.accessRules else {
      let message =
        "\(key.quoted) of access list \(list.quoted) has \(items.count) rules, at most \(Limits.accessRules)"
      reporter.error(
        .limit, node.span, "\(message) are possible", hint: "prefixes and spans of ports make one of several")
      return nil
    }
    var rules: [(rule: AccessRuleDefinition, span: Span)] = []
    for item in items {
      guard let rule = rule(item) else { continue }
      checkReach(rule, at: item.span, behind: rules)
      rules.append((rule, item.span))
    }
    return rules.map(\.rule)
  }

  /// Warns of a rule that never decides, as one before it is for all its frames (L226).
  private func checkReach(
    _ rule: AccessRuleDefinition, at span: Span, behind others: [(rule: AccessRuleDefinition, span: Span)]
  ) {
    guard !rule.carriers.isEmpty, let other = others.first(where: { $0.rule.covers(rule) }) else { return }
    let message = "the rule \(rule.words.quoted) never decides: an earlier one is for all its frames"
    let notes = [Diagnostic.Note("that is \(other.rule.words.quoted)", at: other.span)]
    let isAlike = rule.verdict == other.rule.verdict
    reporter.warning(
      .access, span, message, hint: isAlike ? "leave it out" : "move it up, or leave it out", notes: notes)
  }

  private func rule(_ node: YAMLNode) -> AccessRuleDefinition? {
    guard let object = ObjectReader(node, LabSchema.accessRule, label: "a rule", owner: node.span, reporter: reporter)
    else { return nil }
    if let deny = object.keySpan("deny"), let allow = object.keySpan("allow") {
      let notes = [Diagnostic.Note("\"allow\" is here", at: allow)]
      reporter.error(.contradiction, deny, "\"allow\" and \"deny\" exclude each other", hint: "keep one", notes: notes)
      return nil
    }
    if object.lacks(allOf: ["allow", "deny"]) {
      reporter.error(.missing, node.span, "a rule needs \"allow\" or \"deny\"", hint: "{ allow: tcp, port: 80 }")
      return nil
    }
    let verdict: AccessRuleDefinition.Verdict = object["allow"] != nil ? .allow : .deny
    guard let said = object[verdict.rawValue], let traffic = traffic(said, verdict.rawValue) else { return nil }
    var rule = AccessRuleDefinition(verdict, traffic)
    rule.from = object["from"].flatMap { values.block($0, "from") }
    rule.to = object["to"].flatMap { values.block($0, "to") }
    rule.ports = object["port"].flatMap { spans($0, "port") }
    rule.fromPorts = object["from-port"].flatMap { spans($0, "from-port") }
    rule.mac = object["mac"].flatMap { station($0) }
    rule.etherType = object["ethertype"].flatMap { etherType($0) }
    // Of one that is wrong nothing more is said.
    let read = [
      ("from", rule.from == nil), ("to", rule.to == nil), ("port", rule.ports == nil),
      ("from-port", rule.fromPorts == nil),
      ("mac", rule.mac == nil), ("ethertype", rule.etherType == nil),
    ]
    guard !read.contains(where: { object[$0] != nil && $1 }) else { return nil }
    return isPossible(rule, object, said) ? rule : nil
  }

  // MARK: - Values

  private func traffic(_ node: YAMLNode, _ key: String) -> AccessTraffic? {
    let numbers = "a protocol number \(AccessTraffic.numbers.lowerBound)..\(AccessTraffic.numbers.upperBound)"
    let wanted = "one of \(AccessTraffic.words.joined(separator: ", ")), or \(numbers)"
    guard let text = values.scalar(node, key, wanted) else { return nil }
    if let traffic = AccessTraffic(text.value) { return traffic }
    let near = Suggestion.nearest(to: text.value, among: AccessTraffic.words).map { "did you mean \"\($0)\"?" }
    let others = ["ipv4": "IPv4 is \"ip\"", "icmpv6": "\"icmp\" is that of IPv6 too", "all": "all of it is \"any\""]
    let message = "\(key.quoted) must be \(wanted), found \(node.found)"
    reporter.error(.range, node.span, message, hint: others[text.value] ?? near)
    return nil
  }

  /// One span of ports, or a list of them.
  private func spans(_ node: YAMLNode, _ key: String) -> [PortSpan]? {
    guard let items = values.items(node, key, of: "ports and spans of them", allowsSingle: true) else { return nil }
    let spans = items.compactMap { span($0, key) }
    guard spans.count == items.count else { return nil }
    let merged = PortSpan.merged(spans)
    guard (1...Limits.accessPorts).contains(merged.count) else {
      let message = "\(key.quoted) must be 1..\(Limits.accessPorts) ports and spans of them"
      reporter.error(.range, node.span, "\(message), found \(merged.isEmpty ? "none" : "\(merged.count)")")
      return nil
    }
    return merged
  }

  private func span(_ node: YAMLNode, _ key: String) -> PortSpan? {
    let wanted = "a port such as 80, or a span such as 8000-8010"
    guard let text = values.scalar(node, key, wanted) else { return nil }
    if let span = PortSpan(text.value) { return span }
    let ends = text.value.split(separator: "-", omittingEmptySubsequences: false).map {
      ValueReader.integer(String($0))
    }
    guard (1...2).contains(ends.count), ends.allSatisfy({ $0 != nil }) else {
      reporter.error(.type, node.span, "\(key.quoted) must be \(wanted), found \(node.found)")
      return nil
    }
    let limits = "\(Limits.ports.lowerBound)..\(Limits.ports.upperBound)"
    let message = "\(key.quoted) must lie in \(limits)\(ends.count == 2 ? " and ascend" : ""), found \(node.found)"
    reporter.error(.range, node.span, message)
    return nil
  }

  private func station(_ node: YAMLNode) -> MACAddress? {
    guard let mac = values.mac(node, "mac") else { return nil }
    guard mac.value.isGroup || mac.value.isZero else { return mac.value }
    let fault = mac.value.isGroup ? "is a multicast address" : "is all zero"
    reporter.error(.access, mac.span, "MAC address \(mac.value) \(fault); no frame comes from it")
    return nil
  }

  private func etherType(_ node: YAMLNode) -> Int? {
    let value = values.value(node, "ethertype", "a number such as 0x88cc") { text -> Int? in
      guard text.lowercased().hasPrefix("0x") else { return ValueReader.integer(text) }
      let digits = text.dropFirst(2)
      return digits.utf8.count <= 8 && digits.allSatisfy(\.isHexDigit) ? Int(digits, radix: 16) : nil
    }
    guard let value else { return nil }
    guard Limits.etherTypes.contains(value.value) else {
      reporter.error(.range, value.span, "\"ethertype\" must be 0x600..0xffff, found \(node.found)")
      return nil
    }
    return value.value
  }

  // MARK: - What cannot be

  /// Reports what no frame has at once (L226).
  private func isPossible(_ rule: AccessRuleDefinition, _ object: ObjectReader, _ said: YAMLNode) -> Bool {
    func refuse(_ span: Span, _ message: String, hint: String? = nil) -> Bool {
      let notes = [Diagnostic.Note("\(rule.traffic.description.quoted) is here", at: said.span)]
      reporter.error(.access, span, message, hint: hint, notes: notes)
      return false
    }
    for (key, spans) in [("port", rule.ports), ("from-port", rule.fromPorts)] where spans != nil {
      guard !rule.traffic.hasPorts else { continue }
      let message = "\(key.quoted) is not of \(rule.traffic)"
      return refuse(object.keySpan(key) ?? said.span, message, hint: "ports are of tcp and udp, a rule each")
    }
    if let from = rule.from, let to = rule.to, from.isIPv6 != to.isIPv6, let span = object["to"]?.span {
      let message = "no frame goes from \(from) to \(to): one is IPv4, the other IPv6"
      let notes = Diagnostic.Note.ifPlaced("\"from\" is here", at: object["from"]?.span)
      reporter.error(.access, span, message, notes: notes)
      return false
    }
    for (key, block) in [("from", rule.from), ("to", rule.to)] {
      var alone = AccessRuleDefinition(rule.verdict, rule.traffic)
      alone.from = block
      guard let block, alone.carriers.isEmpty else { continue }
      let span = object[key]?.span ?? said.span
      return refuse(span, "\(block) is \(block.isIPv6 ? "IPv6" : "IPv4"), which \(rule.traffic) is not")
    }
    guard rule.carriers.isEmpty else { return true }
    let type = rule.etherType.map { "0x\(String($0, radix: 16))" } ?? ""
    return refuse(object["ethertype"]?.span ?? said.span, "no frame of EtherType \(type) is what the rule is for")
  }
}

extension AccessTraffic {
  /// Ports of TCP and UDP can be told of it.
  fileprivate var hasPorts: Bool {
    switch self {
    case .tcp, .udp: true
    case .any, .arp, .ip, .ipv6, .icmp, .number: false
    }
  }
}
