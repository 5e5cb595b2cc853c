import Lab

/// What a container runtime asks of a plugin: the parameters of the CNI specification (1.1, section 2), which are
/// environment variables.
struct CNICall: Sendable, Equatable {
  enum Command: String, Sendable, CaseIterable {
    case add = "ADD"
    case delete = "DEL"
    case check = "CHECK"
    case version = "VERSION"
    case collect = "GC"
    case status = "STATUS"

    /// Commands that only newer versions know.
    var firstVersion: String? {
      switch self {
      case .collect, .status: "1.1.0"
      case .check: "0.4.0"
      case .add, .delete, .version: nil
      }
    }
  }

  var command: Command
  /// Empty for commands that are about no container, as the two that follow.
  var container = ""
  var interface = ""
  /// Path; empty if the runtime says that it is gone.
  var namespace = ""
  var arguments = CNIArguments()
  /// By which the interface is known as made by us: the name of the host's end of a veth, and a second one in the pod.
  var mark: String { PodAttachment.hostInterface(container: container, interface: interface) }
  /// Folders of plugins.
  var path: [String] = []

  /// - Throws: `CNIError` (`invalidEnvironment`) with all that is missing.
  init(_ environment: [String: String]) throws(CNIError) {
    func value(_ name: String) -> String { environment[name] ?? "" }
    let word = value("CNI_COMMAND")
    guard let command = Command(rawValue: word) else {
      let known = Command.allCases.map(\.rawValue).joined(separator: ", ")
      let message = word.isEmpty ? "CNI_COMMAND is not set" : "unknown CNI_COMMAND: \(word.debugDescription)"
      throw CNIError(CNIError.Code.invalidEnvironment, message, details: "known: \(known)")
    }
    self.command = command
    path = value("CNI_PATH").split(separator: ":").map { String($0) }
    let isOfContainer = [.add, .delete, .check].contains(command)
    let needed: [String] =
      switch command {
      case .add, .check: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"]
      case .delete: ["CNI_CONTAINERID", "CNI_IFNAME", "CNI_PATH"]
      case .collect, .status: ["CNI_PATH"]
      case .version: []
      }
    let missing = needed.filter { value($0).isEmpty }
    guard missing.isEmpty else {
      throw CNIError(
        CNIError.Code.invalidEnvironment, "\(command.rawValue) needs \(missing.joined(separator: ", "))")
    }
    guard isOfContainer else { return }
    container = try Self.container(value("CNI_CONTAINERID"))
    interface = try Self.interface(value("CNI_IFNAME"))
    namespace = value("CNI_NETNS")
    arguments = try CNIArguments(value("CNI_ARGS"))
  }

  /// `^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`, as the specification has it for ids and names of networks.
  static func isPlain(_ name: String) -> Bool {
    func isAlphanumeric(_ byte: UInt8) -> Bool {
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
    guard let first = name.utf8.first, isAlphanumeric(first), name.utf8.count <= 255 else { return false }
    return name.utf8.allSatisfy { isAlphanumeric($0) || "_.-".utf8.contains($0) }
  }

  private static func container(_ id: String) throws(CNIError) -> String {
    if isPlain(id) { return id }
    throw CNIError(
      CNIError.Code.invalidEnvironment, "CNI_CONTAINERID \(id.debugDescription) is not valid",
      details: "expected a letter or digit, then letters, digits, _ . or -")
  }

  /// What Linux takes as the name of an interface.
  private static func interface(_ name: String) throws(CNIError) -> String {
    let isValid =
      (1...15).contains(name.utf8.count) && name != "." && name != ".."
      && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"/:%".utf8.contains($0) }
    if isValid, !["lo", "all", "default"].contains(name) { return name }
    throw CNIError(
      CNIError.Code.invalidEnvironment, "CNI_IFNAME \(name.debugDescription) is not valid",
      details: "expected 1 to 15 ASCII characters without spaces, / : and %, and none of lo, all, default")
  }
}

/// What `CNI_ARGS` says: `KEY=VALUE`, with semicolons between them.
struct CNIArguments: Sendable, Equatable {
  var mac: String?
  /// An address, with or without its prefix.
  var ip: String?
  /// Keys of Kubernetes; podman says the container's name by one of them.
  var podName: String?

  init() {}

  /// - Throws: `CNIError` (`invalidEnvironment`) for what is no pair, and for keys that are not known, unless
  ///   `IgnoreUnknown` says that they do not matter.
  init(_ text: String) throws(CNIError) {
    var unknown: [String] = []
    var ignoresUnknown = false
    for part in text.split(separator: ";") {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
      guard pair.count == 2, !pair[0].isEmpty else {
        throw CNIError(
          CNIError.Code.invalidEnvironment, "CNI_ARGS: \(String(part).debugDescription) is not KEY=VALUE")
      }
      switch pair[0] {
      case "MAC": mac = pair[1].isEmpty ? nil : pair[1]
      case "IP": ip = pair[1].isEmpty ? nil : pair[1]
      case "IgnoreUnknown": ignoresUnknown = ["1", "true"].contains(pair[1].lowercased())
      case "K8S_POD_NAME": podName = pair[1]
      default: if !pair[0].hasPrefix("K8S_") { unknown.append(pair[0]) }
      }
    }
    guard unknown.isEmpty || ignoresUnknown else {
      throw CNIError(
        CNIError.Code.invalidEnvironment, "CNI_ARGS has unknown keys: \(unknown.joined(separator: ", "))",
        details: "known: MAC, IP, K8S_*; IgnoreUnknown=1 lets others pass")
    }
  }
}
