import Foundation
import Glibc
import LinuxHost
import Synchronization
import TestSupport

/// The program under test with state and data folders of its own.
final class Sandbox: Sendable {
  /// Short, as paths of sockets must be.
  let folder: String
  let binary: String
  let environment: [String: String]
  /// Network namespace that the program, and what the test starts, runs in; nil: this host's.
  let namespace: String?
  private let started = Mutex<[ProcessIdentity]>([])

  var state: String { "\(folder)/s" }
  var data: String { "\(folder)/d" }

  private init(in namespace: String?) throws {
    self.namespace = namespace
    let variables = ProcessInfo.processInfo.environment
    guard let binary = variables["APUS_BINARY"], FileManager.default.isExecutableFile(atPath: binary) else {
      throw Failure("APUS_BINARY must name the apus program; tools/test sets it")
    }
    self.binary = binary
    var template = Array("/tmp/ape-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Failure("mkdtemp: \(errno)") }
    folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    var environment = variables.filter { !$0.key.hasPrefix("APUS_") || $0.key == "APUS_GUEST_DIR" }
    environment["APUS_STATE_DIR"] = "\(folder)/s"
    environment["APUS_DATA_DIR"] = "\(folder)/d"
    environment["NO_COLOR"] = "1"
    try Self.settleContainers(in: folder, &environment)
    self.environment = environment
  }

  /// Runs a test with a sandbox of its own; afterwards every lab is down and every process it started has ended.
  static func use(in namespace: String? = nil, _ body: (Sandbox) async throws -> Void) async throws {
    let sandbox = try Sandbox(in: namespace)
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(sandbox))
    } catch {
      result = .failure(Failure("\(error)\n\(sandbox.logs())"))
    }
    // In a task of its own, as that of a test whose time is over is cancelled, and no process runs in it any more.
    await Task { await sandbox.cleanUp() }.value
    try result.get()
  }

  /// Folder with the built-in guest.
  var guestFolder: String {
    environment["APUS_GUEST_DIR"] ?? URL(filePath: binary).deletingLastPathComponent().path + "/guest"
  }

  // MARK: - The program

  /// Runs `apus` to its end.
  @discardableResult
  func apus(_ arguments: String..., within seconds: Double = 100) async throws -> Outcome {
    try await execute([binary] + arguments, environment: environment, namespace: namespace, within: seconds)
  }

  /// Runs `apus` and demands an exit status.
  @discardableResult
  func apus(_ arguments: String..., expecting status: Int32, within seconds: Double = 100) async throws -> Outcome {
    let outcome = try await execute(
      [binary] + arguments, environment: environment, namespace: namespace, within: seconds)
    guard outcome.status == status else { throw Failure("status \(status) expected; \(outcome)") }
    return outcome
  }

  /// Writes a lab file and returns its path.
  func write(_ text: String, as name: String = "ape.lab.yaml") throws -> String {
    let path = "\(folder)/\(name)"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  func ports(_ lab: String) async throws -> [PortRow] {
    try await apus("port", "list", "--lab", lab, "-j", expecting: 0).rows()
  }

  func port(_ name: String, _ lab: String) async throws -> PortRow {
    let outcome = try await apus("port", "show", name, "--lab", lab, "-j", expecting: 0)
    return try JSONDecoder().decode(PortRow.self, from: Data(outcome.output.utf8))
  }

  func nodes(_ lab: String) async throws -> [NodeRow] {
    try await apus("ps", "--lab", lab, "-j", expecting: 0).rows()
  }

  /// Runs a command line in a node and demands success.
  @discardableResult
  func shell(_ node: String, _ line: String, lab: String, within seconds: Double = 60) async throws -> String {
    try await apus("exec", "--lab", lab, node, "--", "sh", "-c", line, expecting: 0, within: seconds).output
  }

  /// Pings until there is an answer.
  func pings(_ node: String, _ address: String, lab: String, within seconds: Double = 30) async throws {
    try await eventually("\(node) reaches \(address)", within: seconds) {
      try await apus("exec", "--lab", lab, node, "--", "ping", "-c", "1", "-W", "1", address).status == 0
    }
  }

  /// The process that serves a lab.
  func daemon(_ lab: String) throws -> ProcessIdentity {
    let path = "\(state)/\(lab)/apus.pid"
    guard let word = text(of: path)?.split(whereSeparator: \.isWhitespace).first, let pid = Int32(word),
      let process = ProcessIdentity.of(pid: pid)
    else { throw Failure("no process of the lab \(lab) in \(path)") }
    return process
  }

  // MARK: - Processes of the test itself

  /// Starts a process that is killed at the end of the test.
  /// - Parameter errors: where its standard error goes; to `log` too without it.
  func start(
    _ command: [String], log: String, errors: String? = nil, input: String? = nil, namespace: String? = nil
  ) throws -> ProcessIdentity {
    var request = SpawnRequest(
      executable: command[0], arguments: Array(command.dropFirst()), environment: environment)
    request.standardOutput = "\(folder)/\(log)"
    request.standardError = "\(folder)/\(errors ?? log)"
    request.standardInput = input
    request.namespace = namespace ?? self.namespace
    let process = try spawn(request)
    started.withLock { $0.append(process) }
    return process
  }

  private func cleanUp() async {
    let left = processesOfLabs()
    for lab in (try? FileManager.default.contentsOfDirectory(atPath: state)) ?? [] {
      _ = try? await execute([binary, "down", lab], environment: environment, namespace: namespace, within: 60)
    }
    for process in left + started.withLock({ $0 }) where process.isAlive {
      process.signal(SIGKILL)
      _ = await process.wait(timeoutSeconds: 10)
    }
    await removeContainers()
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// Daemons and machines that are written down in the state folder; `down` ends them, unless it fails.
  private func processesOfLabs() -> [ProcessIdentity] {
    var processes: [ProcessIdentity] = []
    for case let name as String in FileManager.default.enumerator(atPath: state) ?? .init()
    where name.hasSuffix("/pid") || name.hasSuffix("/apus.pid") {
      let word = text(of: "\(state)/\(name)")?.split(whereSeparator: \.isWhitespace).first
      if let process = word.flatMap({ Int32($0) }).flatMap(ProcessIdentity.of(pid:)) { processes.append(process) }
    }
    return processes
  }

  /// The last lines of what everybody has written down, for the report of a failure.
  private func logs() -> String {
    var lines: [String] = []
    for case let name as String in FileManager.default.enumerator(atPath: folder) ?? .init()
    where name.hasSuffix(".log") {
      guard let text = text(of: "\(folder)/\(name)") else { continue }
      lines.append("--- \(name)")
      lines += text.split(whereSeparator: \.isNewline).suffix(25).map(String.init)
    }
    return lines.joined(separator: "\n")
  }
}
