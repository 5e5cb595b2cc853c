import Foundation
import LinuxHost
import TestSupport

/// A Debian 12 of nothing but its minimal packages, in namespaces of its own: what is installed and started in it stays
/// in it, and it has no network.
struct CleanRoot {
  /// Its `/`, seen from outside.
  let folder: String
  private let process: ProcessIdentity

  /// Makes it, with all that the packages depend on at hand; the packages themselves lie in its `/packages`.
  init(_ sandbox: Sandbox, packages: [String]) async throws {
    let kept = "\(projectRoot)/.build/package-test"
    let made = try await execute(["\(projectRoot)/tools/testing/clean-root", kept] + packages, within: 900)
    guard made.status == 0 else { throw Failure("\(made)") }
    folder = "\(sandbox.folder)/root"
    let copied = try await execute(["cp", "-a", "--reflink=auto", "\(kept)/root", folder], within: 300)
    guard copied.status == 0 else { throw Failure("\(copied)") }
    try FileManager.default.createDirectory(atPath: "\(folder)/packages", withIntermediateDirectories: true)
    for package in packages {
      let name = URL(filePath: package).lastPathComponent
      try FileManager.default.copyItem(atPath: package, toPath: "\(folder)/packages/\(name)")
    }
    // The shell is the first process in there: it takes the ends of those whose parents have gone.
    let script = """
      set -e
      # What starts a process in a namespace of a network makes its mounts its own, from a `/` that must be one.
      mount --bind "$0" "$0"
      mount --rbind /dev "$0/dev"
      mount -t proc proc "$0/proc"
      mount -t sysfs sysfs "$0/sys"
      mount -t tmpfs tmpfs "$0/run"
      ip link set lo up
      exec chroot "$0" sh -c 'sleep infinity & echo $! >/run/ready; wait'
      """
    let command = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", script, folder]
    let parent = try sandbox.start(command, log: "root.log")
    var first: ProcessIdentity?
    try await eventually("the clean root is up: \(text(of: "\(sandbox.folder)/root.log") ?? "")") {
      let children = text(of: "/proc/\(parent.pid)/task/\(parent.pid)/children") ?? ""
      first = children.split(separator: " ").first.flatMap { Int32($0) }.flatMap(ProcessIdentity.of(pid:))
      guard let first else { return false }
      return text(of: "/proc/\(first.pid)/root/run/ready") != nil
    }
    guard let first else { throw Failure("the clean root has no process") }
    process = first
  }

  /// Runs a line of shell as root in there.
  func ask(_ line: String, within seconds: Double = 120) async throws -> Outcome {
    let words = [
      "nsenter", "--target", "\(process.pid)", "--mount", "--net", "--pid", "--root", "--wd", "env", "-i",
      "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", "NO_COLOR=1",
      "DEBIAN_FRONTEND=noninteractive",
      "sh", "-c", line,
    ]
    return try await execute(words, within: seconds)
  }

  /// Runs a line of shell and demands success.
  @discardableResult
  func shell(_ line: String, within seconds: Double = 120) async throws -> String {
    let outcome = try await ask(line, within: seconds)
    guard outcome.status == 0 else {
      throw Failure("\(line): status \(outcome.status)\n\(outcome.output)\(outcome.errors)")
    }
    return outcome.output
  }
}
