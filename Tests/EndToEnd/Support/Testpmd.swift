import LinuxHost

/// dpdk-testpmd with a virtio-user port for each of some sockets.
enum Testpmd {
  /// Memory of a run that needs nothing of the machine.
  static let smallPages = ["--no-huge", "-m", "256"]
  /// What it has written is here, in the sandbox's folder.
  static let log = "testpmd.log"

  /// Starts to forward; it goes on until it is told to end.
  /// - Parameters:
  ///   - virtio: what is said of every port, as `mrg_rxbuf=1`.
  ///   - forwarding: options of testpmd itself.
  static func start(
    _ sandbox: Sandbox, sockets: [String], virtio: String = "packed_vq=0", memory: [String] = smallPages,
    forwarding: [String]
  ) throws -> ProcessIdentity {
    var command = ["env", "RUNTIME_DIRECTORY=\(sandbox.folder)", "dpdk-testpmd", "--lcores", "0@0-1,1@1"]
    command += memory + ["--file-prefix", "ape", "--no-pci", "--no-telemetry"]
    for (number, socket) in sockets.enumerated() {
      command += ["--vdev", "net_virtio_user\(number),path=\(socket),\(virtio)"]
    }
    // Without a terminal it would end at once but for the statistics it prints once an hour.
    command += ["--", "--stats-period=3600", "--total-num-mbufs=8192"] + forwarding
    return try sandbox.start(command, log: log)
  }
}
