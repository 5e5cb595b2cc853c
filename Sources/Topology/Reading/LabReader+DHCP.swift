/// Servers of VLANs.
extension LabReader {
  /// Reads `dhcp: on | off`, or its settings.
  /// - Parameter owner: where the key stands.
  /// - Returns: nil for a VLAN without a server, and for one whose settings are no such thing, which was reported.
  func dhcp(_ node: YAMLNode, owner: Span) -> DHCPDraft? {
    guard case .mapping = node.content else {
      guard let isOn = values.boolean(node, "dhcp"), isOn.value else { return nil }
      return DHCPDraft(span: owner)
    }
    guard let object = ObjectReader(node, LabSchema.dhcp, label: "\"dhcp\"", owner: owner, reporter: reporter) else {
      return nil
    }
    var draft = DHCPDraft(span: owner)
    draft.address = object["address"].flatMap { values.address($0, "address") }
    draft.gateway = object["gateway"].flatMap { values.address($0, "gateway") }
    draft.range = object["range"].flatMap { addressRange($0) }
    if let lease = object["lease"].flatMap({ values.time($0, "lease", in: Limits.lease) }) { draft.lease = lease.value }
    draft.boot = object["boot"].flatMap { bootFiles($0, owner: object.keySpan("boot") ?? $0.span) }
    return draft
  }

  /// A list of two addresses.
  private func addressRange(_ node: YAMLNode) -> Located<[IPAddress]>? {
    guard let items = values.items(node, "range", of: "two addresses") else { return nil }
    guard items.count == 2 else {
      let hint = "range: [10.0.20.100, 10.0.20.199]"
      reporter.error(.type, node.span, "\"range\" must be a list of two addresses, found \(items.count)", hint: hint)
      return nil
    }
    let ends = items.compactMap { values.address($0, "range")?.value }
    return ends.count == 2 ? Located(ends, node.span) : nil
  }

  private func bootFiles(_ node: YAMLNode, owner: Span) -> DHCPDraft.Boot? {
    guard let object = ObjectReader(node, LabSchema.bootFiles, label: "\"boot\"", owner: owner, reporter: reporter)
    else { return nil }
    func text(_ key: String, _ wanted: String, _ isValid: (String) -> Bool) -> Located<String>? {
      object[key].flatMap { node in values.value(node, key, wanted) { isValid($0) ? $0 : nil } }
    }
    let root = text("root", "the name of a folder") { $0.isPlainText }
    let wanted = "a file in \"root\", or an http address, of at most \(Limits.bootFile) bytes"
    let (bios, uefi) = (text("bios", wanted) { $0.isBootFile }, text("uefi", wanted) { $0.isBootFile })
    if object.lacks("root") {
      reporter.error(.missing, owner, "\"boot\" needs \"root\"", hint: "boot: { root: tftp/, bios: boot.ipxe }")
    }
    if object.lacks(allOf: ["bios", "uefi"]) {
      reporter.error(
        .missing, owner, "\"boot\" needs \"bios\" or \"uefi\"", hint: "boot: { root: tftp/, bios: boot.ipxe }")
    }
    return root.map { DHCPDraft.Boot(root: $0, bios: bios, uefi: uefi) }
  }
}

extension String {
  /// Whether a machine can be told it: a name that fits the field of BOOTP (RFC 951).
  fileprivate var isBootFile: Bool { isPlainText && utf8.count <= Limits.bootFile }

  /// Whether a line of a server's configuration can have it.
  fileprivate var isPlainText: Bool { !isEmpty && !unicodeScalars.contains { Quoting.isControl($0) } }

  /// Whether it is fetched by HTTP, rather than being a file in the folder.
  var isWebAddress: Bool { hasPrefix("http://") || hasPrefix("https://") }
}
