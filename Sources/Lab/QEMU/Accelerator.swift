import LinuxHost

/// Who executes a guest's instructions.
enum Accelerator: Sendable, Equatable {
  case kvm
  /// QEMU's emulation: works everywhere, an order of magnitude slower.
  case emulation

  /// KVM only where the processor says that it can: `/dev/kvm` alone may open, and even make a machine, where no guest
  /// can run (it then hangs in its firmware).
  static func ofThisHost() -> Accelerator {
    HostFacts.cpuHasVirtualization && HostFacts.hasKVM ? .kvm : .emulation
  }
}
