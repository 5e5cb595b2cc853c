import Dataplane
import Glibc
import GuestKit
import LinuxHost
import TestSupport
import Testing

/// Guest memory in ordinary files of a disk (libvirt's `<source type='file'/>`, an NVDIMM).
@Suite(.enabled(if: TemporaryFile.isMemory, "the temporary folder is on no ext4, XFS or Btrfs"))
struct FileMemoryTests {
  private static func memory(in file: Descriptor? = nil) throws -> SharedMemory {
    try SharedMemory([.init(guestAddress: 0x10_0000, size: 16 << 20, userAddress: 0x7F00_0000_0000)]) {
      size throws(GuestKitError) in
      if let file { return file }
      return try TemporaryFile.make(size: size)
    }
  }

  @Test func framesPass() async throws {
    try await Victim.with { victim in
      var options = try victim.bad.options
      options.memorySize = 16 << 20
      try victim.replaceBad(with: options, memory: Self.memory())
      for _ in 0..<100 { try victim.expectTraffic() }
      #expect(try await victim.bench.status("bad").vhostUser?.refusals == 0)
    }
  }

  /// As with a memory file: the page that is touched is gone, which ends that port's session alone.
  @Test func aFileThatIsCutFailsItsPort() async throws {
    try await Victim.with { victim in
      let memory = try Self.memory()
      try victim.replaceBad(memory: memory)
      try victim.expectTraffic()
      memory.truncate(region: 0, to: 0)
      try victim.neighbour.send(Victim.frame(22, to: 21))
      try await victim.expectFault("guest memory file was truncated while mapped")
    }
  }

  /// A page that the guest has not touched needs room when the switch writes to it.
  @Test(.enabled(if: geteuid() == 0, "only root mounts"))
  func aFullDiskFailsItsPort() async throws {
    let disk = try await SmallDisk.make()
    try await Victim.with { victim in
      var options = try victim.bad.options
      options.transmitSize = 2048
      try victim.replaceBad(with: options, memory: Self.memory(in: disk.file))
      try victim.expectTraffic()
      disk.fill()
      for seed in 0..<8 { try victim.neighbour.send(Victim.frame(22, to: 21, seed: seed)) }
      try await victim.expectFault("guest memory file was truncated while mapped, or its disk is full or failed")
    }
  }
}

/// A file system of 2 MiB that nobody sees any more, and two files on it.
private struct SmallDisk {
  /// Of 16 MiB, all of it holes.
  let file: Descriptor
  private let filler: Descriptor

  static func make() async throws -> SmallDisk {
    let folder = try TemporaryDirectory()
    let path = folder.path("disk")
    try #require(mkdir(path, 0o700) == 0)
    try await tool("mount", "-t", "tmpfs", "-o", "size=2m", "apg", path)
    // Held by its files from here on.
    let files = ["apg-memory", "apg-filler"].map { open("\(path)/\($0)", O_RDWR | O_CREAT | O_CLOEXEC, 0o600) }
    try await tool("umount", "--lazy", path)
    let disk = SmallDisk(file: Descriptor(owning: files[0]), filler: Descriptor(owning: files[1]))
    try #require(ftruncate(disk.file.raw, 16 << 20) == 0)
    withExtendedLifetime(folder) {}
    return disk
  }

  /// Takes all the room that is left.
  func fill() {
    let page = [UInt8](repeating: 1, count: 4096)
    while write(filler.raw, page, page.count) > 0 {}
  }

  private static func tool(_ name: String, _ arguments: String...) async throws {
    let status = try await run(
      SpawnRequest(executable: name, arguments: arguments, environment: nil), onOutput: { _, _ in },
      timeoutSeconds: 30)
    try #require(status == 0, "\(name) \(arguments)")
  }
}
