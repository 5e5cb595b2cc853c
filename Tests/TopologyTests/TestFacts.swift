import Topology

/// A host as a test wants it.
struct TestFacts: LabFacts {
  var files: Set<String> = []
  /// Files that can be read.
  var contents: [String: [UInt8]] = [:]
  var sums: [String: String] = [:]
  var imageDirectory = "/images"
  var hasKVM = true
  var interfaces: Set<String> = []
  /// Interfaces that are in somebody's use.
  var usedInterfaces: Set<String> = []
  /// Interfaces that the running lab made.
  var ownInterfaces: Set<String> = []
  var availableMemory: UInt64?
  var totalMemory: UInt64?
  var stateDirectory: String?
  var longestSocketPath = 107
  var missingFolders: Set<String> = []
  /// What else lies at paths.
  var kinds: [String: FileKind] = [:]
  /// What is wrong with owners of sockets.
  var ownerMistakes: [String: String] = [:]
  var processors: [ClosedRange<Int>]? = [0...1]
  /// Debian's packages of what this host lacks.
  var missingPackages: [HostNeed: String] = [:]
  /// What is wrong with filters.
  var filterMistakes: [String: String] = [:]
  var missingPrograms: Set<String> = []

  /// What images are, or why they are not taken.
  var imageContents: [String: Result<ImageContent, ImageFault>] = [:]

  func image(at absolutePath: String) throws(ImageFault) -> ImageContent? { try imageContents[absolutePath]?.get() }
  func fileExists(_ absolutePath: String) -> Bool {
    files.contains(absolutePath) || contents[absolutePath] != nil
  }
  func head(of absolutePath: String, count: Int) -> [UInt8]? { contents[absolutePath].map { Array($0.prefix(count)) } }
  func sha256(of absolutePath: String) -> String? { sums[absolutePath] }
  func folderExists(_ absolutePath: String) -> Bool { !missingFolders.contains(absolutePath) }
  func hasProgram(_ name: String) -> Bool { !missingPrograms.contains(name) }
  func mistake(inFilter text: String) -> String? { filterMistakes[text] }
  func missingPackage(of need: HostNeed) -> String? { missingPackages[need] }
  func fileKind(_ absolutePath: String) -> FileKind? { kinds[absolutePath] }
  func mistake(inOwner text: String) -> String? { ownerMistakes[text] }
  func hostInterfaceExists(_ name: String) -> Bool { interfaces.contains(name) }
  func trouble(
    taking name: String, for lab: String, node: String, isForced: Bool
  ) -> (message: String, hint: String?)? {
    usedInterfaces.contains(name) && !isForced ? ("the interface \"\(name)\" has an address", "say `force: on`") : nil
  }
  func interface(_ name: String, belongsTo lab: String) -> Bool { ownInterfaces.contains(name) }
}

/// Loads a lab file that stands in a string as `/labs/test.lab.yaml`.
func load(_ text: String, facts: TestFacts = TestFacts(), environment: [String: String] = [:]) -> LoadResult {
  load(bytes: Array(text.utf8), facts: facts, environment: environment)
}

func load(bytes: [UInt8], facts: TestFacts = TestFacts(), environment: [String: String] = [:]) -> LoadResult {
  loadLab(source(bytes), directory: "/labs", facts: facts, environment: environment)
}

func source(_ bytes: [UInt8]) -> SourceText { SourceText(path: "test.lab.yaml", text: bytes) }

/// All diagnostics as a terminal shows them.
func rendered(_ text: String, facts: TestFacts = TestFacts(), environment: [String: String] = [:]) -> String {
  let result = load(text, facts: facts, environment: environment)
  return result.diagnostics.map { $0.rendered(source: source(Array(text.utf8))) }.joined(separator: "\n")
}
