import Frames

/// Converts values by the type the schema wants, from the text the user wrote.
///
/// Every function reports a value that does not fit and answers nil.
struct ValueReader {
  let reporter: Reporter

  /// The text of a scalar.
  ///
  /// `what` names the value, `wanted` its type: `"memory" must be a size such as 512M`.
  func scalar(_ node: YAMLNode, _ what: String, _ wanted: String) -> Located<String>? {
    if case .unusable = node.content { return nil }
    guard case .scalar(let text, _) = node.content, !node.isNull else {
      reporter.error(.type, node.span, "\(what.quoted) must be \(wanted), found \(node.found)")
      return nil
    }
    return Located(text, node.span)
  }

  /// A scalar that `convert` turns into a value.
  func value<Value>(
    _ node: YAMLNode, _ what: String, _ wanted: String, hint: String? = nil, _ convert: (String) -> Value?
  ) -> Located<Value>? {
    guard let text = scalar(node, what, wanted) else { return nil }
    guard let value = convert(text.value) else {
      reporter.error(.type, node.span, "\(what.quoted) must be \(wanted), found \(node.found)", hint: hint)
      return nil
    }
    return Located(value, node.span)
  }

  /// A whole number in decimal; `010` is ten.
  func integer(_ node: YAMLNode, _ what: String, in range: ClosedRange<Int>) -> Located<Int>? {
    guard let number = value(node, what, "a whole number", { Self.integer($0) }) else { return nil }
    return inRange(number, what, range) { String($0) }
  }

  static func integer(_ text: String) -> Int? {
    let digits = text.hasPrefix("-") ? text.dropFirst() : Substring(text)
    guard (1...18).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return nil
    }
    return Int(text)
  }

  /// Bytes.
  func size(_ node: YAMLNode, _ what: String, in range: ClosedRange<Int>) -> Located<Int>? {
    guard let size = value(node, what, "a size such as 512M", { Units.size($0) }) else { return nil }
    return inRange(size, what, range) { Units.describe(bytes: UInt64(max(0, $0))) }
  }

  /// Seconds.
  func time(_ node: YAMLNode, _ what: String, in range: ClosedRange<Double>) -> Located<Double>? {
    guard let time = value(node, what, "a time such as 300s or 40ms", { Units.seconds($0) }) else { return nil }
    guard range.contains(time.value) else {
      let limits = "\(Int(range.lowerBound))s..\(Int(range.upperBound))s"
      reporter.error(.range, node.span, "\(what.quoted) must be \(limits), found \(node.found)")
      return nil
    }
    return time
  }

  func boolean(_ node: YAMLNode, _ what: String) -> Located<Bool>? {
    value(node, what, "on or off") { Self.boolean($0) }
  }

  /// `on`, `off` and the like.
  static func boolean(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "on", "true", "yes": true
    case "off", "false", "no": false
    default: nil
    }
  }

  /// A boolean, or what is between the two.
  func offload(_ node: YAMLNode, _ what: String) -> Located<NICDefinition.Offload>? {
    value(node, what, "on, checksum or off") { text in
      if let isOn = Self.boolean(text) { return isOn ? .on : .off }
      return text == NICDefinition.Offload.checksum.rawValue ? .checksum : nil
    }
  }

  /// A number of workers, or `auto`.
  func workerCount(_ node: YAMLNode, _ what: String) -> Located<WorkerCount>? {
    let most = WorkerCount.mostByItself
    let hint = "\(WorkerCount.autoWord) takes one for each processor, \(most) at most"
    if scalarText(node) == WorkerCount.autoWord { return Located(.auto, node.span) }
    guard let number = value(node, what, "a whole number or \(WorkerCount.autoWord)", hint: hint, { Self.integer($0) })
    else { return nil }
    return inRange(number, what, Limits.workers, hint: hint) { String($0) }.map { Located(.exactly($0.value), $0.span) }
  }

  /// One of the names of an enumeration.
  func choice<Value: RawRepresentable & CaseIterable>(_ node: YAMLNode, _ what: String) -> Located<Value>?
  where Value.RawValue == String {
    let names = Value.allCases.map(\.rawValue)
    guard let name = choice(node, what, among: names), let value = Value(rawValue: name.value) else { return nil }
    return Located(value, name.span)
  }

  /// One of some names.
  func choice(_ node: YAMLNode, _ what: String, among names: [String]) -> Located<String>? {
    guard let text = scalar(node, what, "one of \(Quoting.list(names))") else { return nil }
    guard names.contains(text.value) else {
      let near = Suggestion.nearest(to: text.value, among: names).map { "did you mean \"\($0)\"?" }
      let message = "\(what.quoted) must be one of \(Quoting.list(names)), found \(node.found)"
      reporter.error(.range, node.span, message, hint: near)
      return nil
    }
    return text
  }

  func mac(_ node: YAMLNode, _ what: String) -> Located<MACAddress>? {
    value(node, what, "a MAC address such as 02:00:00:00:00:01") { MACAddress($0) }
  }

  func address(_ node: YAMLNode, _ what: String) -> Located<IPAddress>? {
    value(node, what, "an IPv4 or IPv6 address without a prefix length") { IPAddress(Substring($0)) }
  }

  func prefix(_ node: YAMLNode, _ what: String) -> Located<IPPrefix>? {
    let wanted = "an address with its prefix length such as 10.0.0.9/24"
    guard let text = scalar(node, what, wanted) else { return nil }
    guard let prefix = IPPrefix(text.value) else {
      let isBare = IPAddress(Substring(text.value)) != nil
      let hint = isBare ? "write \(text.value)/\(text.value.contains(":") ? 64 : 24), or the length of its subnet" : nil
      reporter.error(.type, node.span, "\(what.quoted) must be \(wanted), found \(node.found)", hint: hint)
      return nil
    }
    return Located(prefix, node.span)
  }

  /// The destination of a route; one host of it is written with its whole length.
  func destination(_ node: YAMLNode) -> Located<IPPrefix>? {
    let wanted = "a destination such as 10.9.0.0/16, or default"
    let host = scalarText(node).flatMap { IPAddress(Substring($0)) }
    let hint = host.map { "for this one host write \($0)/\($0.family.width), for its network the length of that" }
    return value(node, "to", wanted, hint: hint) { IPPrefix($0) }
  }

  private func scalarText(_ node: YAMLNode) -> String? {
    guard case .scalar(let text, _) = node.content else { return nil }
    return text
  }

  /// The items of a list; a single value counts as a list of one when `allowsSingle`.
  func items(_ node: YAMLNode, _ what: String, of wanted: String, allowsSingle: Bool = false) -> [YAMLNode]? {
    switch node.content {
    case .sequence(let items): return items
    case .scalar where allowsSingle && !node.isNull: return [node]
    case .unusable: return nil
    default:
      reporter.error(.type, node.span, "\(what.quoted) must be a list of \(wanted), found \(node.found)")
      return nil
    }
  }

  private func inRange(
    _ number: Located<Int>, _ what: String, _ range: ClosedRange<Int>, hint: String? = nil, _ describe: (Int) -> String
  ) -> Located<Int>? {
    guard range.contains(number.value) else {
      let limits = "\(describe(range.lowerBound))..\(describe(range.upperBound))"
      reporter.error(
        .range, number.span, "\(what.quoted) must be \(limits), found \(describe(number.value))", hint: hint)
      return nil
    }
    return number
  }
}
