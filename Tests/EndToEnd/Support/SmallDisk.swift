import Foundation
import Glibc
import LinuxHost
import TestSupport

/// A small disk over one folder of a sandbox: only programs that are run by it see it, in a mount namespace of their own.
final class SmallDisk: Sendable {
  let folder: String
  private let sandbox: Sandbox
  private let holder: ProcessIdentity
  private var filler: String { "\(folder)/filler" }

  private init(_ sandbox: Sandbox, at folder: String, size: String) async throws {
    (self.sandbox, self.folder) = (sandbox, folder)
    let ready = "\(sandbox.folder)/disk-is-there"
    let script =
      "mkdir -p \"$0\" && mount -t tmpfs -o size=\(size),mode=755 small \"$0\" && touch \"$1\" && exec sleep 1000"
    holder = try sandbox.start(
      ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, folder, ready], log: "disk.log")
    try await eventually("the small disk is there") { FileManager.default.fileExists(atPath: ready) }
  }

  /// Runs a test with a disk; the lab, which nobody else can reach, is down afterwards.
  static func use(
    _ sandbox: Sandbox, at folder: String, size: String, lab: String, _ body: (SmallDisk) async throws -> Void
  ) async throws {
    let disk = try await SmallDisk(sandbox, at: folder, size: size)
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(disk))
    } catch {
      let log = disk.text(of: "\(sandbox.data)/\(lab)/apus.log") ?? ""
      result = .failure(Failure("\(error)\n\(log.suffix(3000))"))
    }
    let daemon = try? disk.daemon(lab)
    _ = try? await disk.run(["rm", "-f", disk.filler])
    _ = try? await disk.apus("down", lab)
    if let daemon, daemon.isAlive { daemon.signal(SIGKILL) }
    try result.get()
  }

  /// Runs a program that sees the disk.
  @discardableResult
  func run(_ command: [String], namespace: String? = nil) async throws -> Outcome {
    try await execute(
      ["nsenter", "--target", "\(holder.pid)", "--mount", "--"] + command, environment: sandbox.environment,
      namespace: namespace, within: 100)
  }

  @discardableResult
  func apus(_ arguments: String..., expecting status: Int32? = nil) async throws -> Outcome {
    let outcome = try await run([sandbox.binary] + arguments)
    if let status, outcome.status != status { throw Failure("status \(status) expected; \(outcome)") }
    return outcome
  }

  /// Fills it to the last byte.
  func fill() async throws {
    let outcome = try await run(["dd", "if=/dev/zero", "of=\(filler)", "bs=4096"])
    guard outcome.status != 0, outcome.errors.contains("No space left") else { throw Failure("\(outcome)") }
  }

  /// Makes room again.
  func makeRoom() async throws { try await run(["rm", filler]) }

  /// The text of a file as those see it who see the disk.
  func text(of path: String) -> String? {
    FileManager.default.contents(atPath: seen(path)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Names in a folder as those see it who see the disk.
  func names(in path: String) -> [String] { HostFacts.entries(of: seen(path)).sorted() }

  /// The process that serves a lab.
  func daemon(_ lab: String) throws -> ProcessIdentity {
    let word = text(of: "\(sandbox.state)/\(lab)/apus.pid")?.split(whereSeparator: \.isWhitespace).first
    guard let word, let pid = Int32(word), let process = ProcessIdentity.of(pid: pid) else {
      throw Failure("no process of the lab \(lab)")
    }
    return process
  }

  private func seen(_ path: String) -> String { "/proc/\(holder.pid)/root\(path)" }
}
