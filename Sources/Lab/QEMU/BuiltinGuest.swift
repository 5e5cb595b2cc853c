import FoundationEssentials
import Topology

/// The tiny Linux that ships with Apus: where it is, and how it is told its name and addresses.
struct BuiltinGuest: Sendable, Equatable {
  /// Which of Debian's kernels.
  enum Kernel: String, Sendable {
    /// The cloud kernel, which has drivers for virtio alone.
    case cloud
    /// The one with all drivers.
    case full

    /// What its files have in their names.
    fileprivate var suffix: String { self == .full ? "-full" : "" }

    /// The package of ours that has its files.
    fileprivate var package: String { self == .full ? "apus-guest-full" : "apus" }

    /// What a machine of these NICs needs.
    init(for node: NodeDefinition) { self = node.needsAllDrivers ? .full : .cloud }
  }

  var kernel: String
  var initialRAMDisk: String

  /// Looks in `$APUS_GUEST_DIR`, beside the executable, and where packages (`tools/package`) install it.
  static func find(_ kernel: Kernel = .cloud, environment: [String: String]) throws(UserError) -> BuiltinGuest {
    let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return try find(kernel, in: folders(environment: environment, executable: executable))
  }

  static func folders(environment: [String: String], executable: String) -> [String] {
    // A folder that was asked for is not silently replaced by another.
    if let chosen = environment["APUS_GUEST_DIR"], !chosen.isEmpty { return [chosen] }
    let beside = executable.split(separator: "/").dropLast().map { "/\($0)" }.joined()
    return ["\(beside)/guest", "/usr/share/apus/guest", "/usr/local/share/apus/guest"]
  }

  static func find(_ kernel: Kernel = .cloud, in folders: [String]) throws(UserError) -> BuiltinGuest {
    let (image, disk) = ("vmlinuz\(kernel.suffix)", "initramfs\(kernel.suffix).gz")
    for folder in folders {
      let guest = BuiltinGuest(kernel: "\(folder)/\(image)", initialRAMDisk: "\(folder)/\(disk)")
      if Files.exists(guest.kernel), Files.exists(guest.initialRAMDisk) { return guest }
    }
    let what = kernel == .full ? "the builtin guest for NICs of other models than virtio" : "the builtin guest"
    throw UserError(
      .failed, "\(what) (\(image), \(disk)) is in none of \(folders.joined(separator: ", "))",
      hint: "install the package \(kernel.package), run tools/setup, or set APUS_GUEST_DIR")
  }

  /// The script in the guest that gives NICs their names, addresses and routes; its arguments are `GuestWords`.
  ///
  /// Guests of an older Apus have another one, which would take only a part of the words.
  static let setupScript = "/etc/setup-network"

  /// What the guest's init reads: names, NICs by MAC address, addresses and routes of the node.
  static func commandLine(for node: NodeDefinition) throws(UserError) -> String {
    let line = GuestWords.commandLine(of: node)
    guard line.utf8.count <= GuestWords.limit else {
      throw UserError(
        .badInput,
        "node \(node.name): its NICs, addresses and routes need \(line.utf8.count) bytes of kernel command line; "
          + "at most \(GuestWords.limit) fit", hint: "give the node fewer NICs or addresses")
    }
    return line
  }
}
