import Foundation
import LinuxHost
import TestSupport

/// A libvirtd of the test's own, whose machines end with it.
///
/// It has process and mount namespaces of its own: nothing of a libvirt that this host may run is seen or touched, and
/// its machines run as libvirt's own user, as everywhere.
struct LibvirtDaemon {
  private let socket: String
  private let folder: String

  /// Starts it; returns when it answers.
  /// - Parameter folder: an empty one, which libvirt's user must be able to enter.
  init(_ sandbox: Sandbox, folder: String) async throws {
    self.folder = folder
    socket = "\(folder)/libvirt-sock"
    let settings = """
      unix_sock_dir = "\(folder)"
      unix_sock_group = "root"
      auth_unix_ro = "none"
      auth_unix_rw = "none"

      """
    try settings.write(toFile: "\(folder)/libvirtd.conf", atomically: true, encoding: .utf8)
    // The cgroups of a test machine need not be as libvirt would have them, and no second daemon is to keep its logs.
    let machines = "cgroup_controllers = []\nsecurity_driver = \"none\"\nstdio_handler = \"file\"\n"
    try machines.write(toFile: "\(folder)/qemu.conf", atomically: true, encoding: .utf8)
    let script = """
      set -e
      mount --make-rprivate /
      for folder in /run/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt /etc/libvirt/qemu; do
        mkdir -p $folder
        mount -t tmpfs none $folder
      done
      mount --bind \(folder)/qemu.conf /etc/libvirt/qemu.conf
      # Not exec: the first process of a namespace is a parent to those that lost theirs, and libvirtd would not notice
      # their end.
      libvirtd --config \(folder)/libvirtd.conf --pid-file \(folder)/libvirtd.pid &
      wait $!
      """
    _ = try sandbox.start(
      ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script], log: "libvirtd.log"
    )
    try await eventually("libvirtd answers") { try await ask("version").status == 0 }
  }

  /// Runs `virsh`.
  @discardableResult
  func ask(_ words: String...) async throws -> Outcome { try await virsh(words) }

  /// Runs `virsh` and demands success.
  @discardableResult
  func virsh(_ words: String..., expecting status: Int32) async throws -> Outcome {
    let outcome = try await virsh(words)
    guard outcome.status == status else { throw Failure("status \(status) expected; \(outcome)") }
    return outcome
  }

  private func virsh(_ words: [String]) async throws -> Outcome {
    try await execute(["virsh", "--quiet", "--connect", "qemu+unix:///system?socket=\(socket)"] + words)
  }

  /// Writes a document for `virsh` and returns its path.
  func write(_ document: String, as name: String) throws -> String {
    let path = "\(folder)/\(name)"
    try document.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }
}
