extension LabReader {
  /// Reads one entry of `capture:`.
  mutating func readCapture(_ node: YAMLNode) {
    guard
      let object = ObjectReader(node, LabSchema.capture, label: "a capture", owner: node.span, reporter: reporter)
    else { return }
    let targets = object["on"].flatMap { readTargets($0) }
    let file = object["file"].flatMap { node in
      values.value(node, "file", "the name of a file") { $0.isEmpty ? nil : $0 }
    }
    let ring = object["ring"].flatMap { readRing($0) }
    let snap = object["snap"].flatMap { values.integer($0, "snap", in: Limits.snap) }
    let filter = object["filter"].flatMap { node in
      values.value(node, "filter", "a filter such as tcp port 80") { $0.isEmpty ? nil : $0 }
    }
    let direction: Located<CaptureDefinition.Direction>? = object["direction"].flatMap {
      values.choice($0, "direction")
    }
    for (key, example) in [("on", "on: vm1:eth0"), ("file", "file: wire1.pcapng")]
    where object.lacks(key) {
      reporter.error(.missing, node.span, "a capture needs \(key.quoted)", hint: example)
    }
    guard let targets, let file else { return }
    var draft = CaptureDraft(targets: targets, file: file)
    draft.ring = ring
    draft.snap = snap?.value
    draft.filter = filter
    draft.direction = direction?.value
    self.draft.captures.append(draft)
  }

  private func readTargets(_ node: YAMLNode) -> [Located<String>]? {
    let wanted = "a port, link, node or switch, or all"
    let items = values.items(node, "on", of: "ports, links, nodes and switches, or all", allowsSingle: true)
    guard let items else { return nil }
    if items.isEmpty { reporter.error(.range, node.span, "\"on\" must be \(wanted), found an empty list") }
    return items.compactMap { values.scalar($0, "on", wanted) }
  }

  /// `4x10M`.
  private func readRing(_ node: YAMLNode) -> CaptureDefinition.Ring? {
    let ring = values.value(node, "ring", "a number of files and the size of each, such as 4x10M") { text in
      let parts = text.split(separator: "x", omittingEmptySubsequences: false).map { String($0) }
      guard parts.count == 2, let files = ValueReader.integer(parts[0]), let size = Units.size(parts[1]) else {
        return CaptureDefinition.Ring?.none
      }
      return CaptureDefinition.Ring(files: files, size: size)
    }
    guard let ring = ring?.value else { return nil }
    guard Limits.ringFiles.contains(ring.files), Limits.ringSize.contains(ring.size) else {
      let files = "\(Limits.ringFiles.lowerBound)..\(Limits.ringFiles.upperBound)"
      let sizes = [Limits.ringSize.lowerBound, Limits.ringSize.upperBound].map { Units.describe(bytes: UInt64($0)) }
      let message = "\"ring\" must be \(files) files of \(sizes[0])..\(sizes[1]), found \(node.found)"
      reporter.error(.range, node.span, message)
      return nil
    }
    return ring
  }

  /// Reads `recorder:`, a size or `off`.
  mutating func readRecorder(_ node: YAMLNode) {
    if case .scalar(let text, _) = node.content, ["off", "false", "no"].contains(text.lowercased()) {
      draft.recorderSize = 0
      return
    }
    let size = values.value(node, "recorder", "a size such as 8M, or off") { Units.size($0) }
    guard let size else { return }
    guard Limits.recorder.contains(size.value) else {
      let limits = [Limits.recorder.lowerBound, Limits.recorder.upperBound, size.value].map {
        Units.describe(bytes: UInt64($0))
      }
      let message = "\"recorder\" must be \(limits[0])..\(limits[1]), or off, found \(limits[2])"
      reporter.error(.range, node.span, message)
      return
    }
    draft.recorderSize = size.value
  }
}
