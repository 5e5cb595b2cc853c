import LinuxHost
import Topology

/// What only some labs need of this host, and where it is.
enum HostNeeds {
  /// OVMF's code, and the empty store of variables that goes with it.
  struct UEFI: Sendable, Equatable {
    var code: String
    var variables: String
  }

  /// Places of OVMF: Debian's, with more room for variables first.
  private static let firmware = [
    UEFI(code: "/usr/share/OVMF/OVMF_CODE_4M.fd", variables: "/usr/share/OVMF/OVMF_VARS_4M.fd"),
    UEFI(code: "/usr/share/OVMF/OVMF_CODE.fd", variables: "/usr/share/OVMF/OVMF_VARS.fd"),
  ]
  /// Folders in which Debian's QEMU looks for ROMs.
  private static let romFolders = ["/usr/lib/ipxe/qemu", "/usr/share/qemu", "/usr/share/seabios"]
  /// The ROM that QEMU gives a virtio NIC of which nothing else is said.
  private static let rom = "efi-virtio.rom"

  static var uefi: UEFI? { firmware.first { Files.exists($0.code) && Files.exists($0.variables) } }

  static var hasBootROM: Bool { romFolders.contains { Files.exists("\($0)/\(rom)") } }

  /// Path of dnsmasq, which is in a folder that not every user's `PATH` has.
  static func dnsmasq(_ variables: [String: String]) -> String? {
    let usual = "/usr/sbin/dnsmasq"
    return Executables.find("dnsmasq", variables) ?? (Files.exists(usual) ? usual : nil)
  }

  static func busybox(_ variables: [String: String]) -> String? { Executables.find("busybox", variables) }

  /// Debian's package of what is missing; nil if it is there.
  static func missingPackage(of need: HostNeed, _ variables: [String: String]) -> String? {
    switch need {
    case .uefi: uefi == nil ? "ovmf" : nil
    case .bootROM: hasBootROM ? nil : "ipxe-qemu"
    case .dhcpServer: dnsmasq(variables) == nil ? "dnsmasq-base" : nil
    case .webServer: busybox(variables) == nil ? "busybox-static" : nil
    }
  }

  /// - Throws: `UserError` for what is missing.
  /// - Parameter subject: what needs it, such as `node pxe`.
  static func check(_ need: HostNeed, for subject: String, _ variables: [String: String]) throws(UserError) {
    guard let package = missingPackage(of: need, variables) else { return }
    throw UserError(
      .failed, "\(subject) needs \(package), which is not installed",
      hint: "install it with `apt-get install \(package)`")
  }
}
