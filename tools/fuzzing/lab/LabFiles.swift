import Topology

/// A host that has everything but files.
private struct Host: LabFacts {
  var imageDirectory: String { "/images" }
  var hasKVM: Bool { true }
  var availableMemory: UInt64? { 8 << 30 }
  var totalMemory: UInt64? { 16 << 30 }
  var stateDirectory: String? { "/run/apus" }
  var longestSocketPath: Int { 107 }
  var processors: [ClosedRange<Int>]? { [0...1] }
  func fileExists(_ absolutePath: String) -> Bool { absolutePath.hasSuffix("w2") }
  func head(of absolutePath: String, count: Int) -> [UInt8]? { nil }
  func sha256(of absolutePath: String) -> String? { nil }
  func image(at absolutePath: String) throws(ImageFault) -> ImageContent? { nil }
  func folderExists(_ absolutePath: String) -> Bool { true }
  func fileKind(_ absolutePath: String) -> FileKind? { nil }
  func hasProgram(_ name: String) -> Bool { true }
  func mistake(inFilter text: String) -> String? { nil }
  func mistake(inOwner text: String) -> String? { nil }
  func missingPackage(of need: HostNeed) -> String? { nil }
  func hostInterfaceExists(_ name: String) -> Bool { false }
  func interface(_ name: String, belongsTo lab: String) -> Bool { false }
  func trouble(
    taking name: String, for lab: String, node: String, isForced: Bool
  ) -> (message: String, hint: String?)? { nil }
}

/// Lab files: whatever the bytes are, there is a lab, or at least one error and at most 50, each of which can be shown.
func fuzzLabFile(_ bytes: [UInt8]) {
  let source = SourceText(path: "x.lab.yaml", text: bytes)
  let result = loadLab(source, directory: "/labs", facts: Host(), environment: ["A": "1"])
  demand((result.lab == nil) == result.hasErrors, "a lab with errors, or none without")
  demand(result.diagnostics.count { $0.severity == .error } <= 50, "more than 50 errors")
  for diagnostic in result.diagnostics { _ = diagnostic.rendered(source: source) }
}
