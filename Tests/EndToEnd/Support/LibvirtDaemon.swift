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

  /// A host among several that are all this one.
  struct Host {
    /// libvirt moves no machine between hosts of one name, or one UUID.
    var name: String
    var uuid: String
    /// A folder that the host's machines find as `sharedFolder`, so that they find the same paths on each host.
    var folder: String

    /// Lines of the shell that make this the host of what follows.
    fileprivate var settles: String {
      "hostname \(name); mkdir \(LibvirtDaemon.sharedFolder); mount --bind \(folder) \(LibvirtDaemon.sharedFolder)"
    }
  }

  static let sharedFolder = "/run/libvirt/host"

  /// Starts it; returns when it answers.
  /// - Parameters:
  ///   - folder: an empty one, which libvirt's user must be able to enter.
  ///   - host: which one it is, if there are several.
  init(_ sandbox: Sandbox, folder: String, host: Host? = nil) async throws {
    self.folder = folder
    socket = "\(folder)/libvirt-sock"
    let settings = """
      unix_sock_dir = "\(folder)"
      unix_sock_group = "root"
      auth_unix_ro = "none"
      auth_unix_rw = "none"
      \(host.map { "host_uuid = \"\($0.uuid)\"" } ?? "")

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
      \(host?.settles ?? "")
      # Not exec: the first process of a namespace is a parent to those that lost theirs, and libvirtd would not notice
      # their end.
      libvirtd --config \(folder)/libvirtd.conf --pid-file \(folder)/libvirtd.pid &
      wait $!
      """
    let own = ["--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
    _ = try sandbox.start(["unshare"] + own + ["sh", "-c", script], log: "libvirtd.log")
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

  /// Where `virsh` finds it.
  var uri: String { "qemu+unix:///system?socket=\(socket)" }

  private func virsh(_ words: [String]) async throws -> Outcome {
    try await execute(["virsh", "--quiet", "--connect", uri] + words)
  }

  /// Writes a document for `virsh` and returns its path.
  func write(_ document: String, as name: String) throws -> String {
    let path = "\(folder)/\(name)"
    try document.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }
}
