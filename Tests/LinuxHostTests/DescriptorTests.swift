import CLinux
import Glibc
import LinuxHost
import Testing
import TestSupport

/// Makes a memory file of a page or more; the caller's.
func memoryFile(size: UInt64, hugePageSize: Int = 0) throws -> Descriptor {
  let raw = clinux_memory_file("aph", size, hugePageSize)
  guard raw >= 0 else { throw SystemError(call: "memfd_create", code: -raw, context: "\(size) bytes") }
  return Descriptor(owning: raw)
}

@Suite struct DescriptorTests {
  @Test func errorsNameCallContextTextAndSymbol() {
    #expect(
      SystemError(call: "open", code: ENOENT, context: "/dev/net/tun").description
        == "open /dev/net/tun: No such file or directory (ENOENT)")
    #expect(
      SystemError(call: "eventfd", code: EMFILE, context: "").description == "eventfd: Too many open files (EMFILE)")
    #expect(SystemError(call: "x", code: 9999, context: "").description == "x: Unknown error (errno 9999)")
  }

  @Test func closesItsNumberWhenDropped() throws {
    let raw: CInt
    let identity: String
    do {
      let (a, b) = try UnixSocket.pair()
      raw = a.raw
      identity = try link(of: raw)
      withExtendedLifetime((a, b)) {}
    }
    // Another test may have the number by now, but it is another socket.
    #expect((try? link(of: raw)) != identity)
  }

  private func link(of raw: CInt) throws -> String {
    var text = [CChar](repeating: 0, count: 256)
    let size = readlink("/proc/self/fd/\(raw)", &text, 255)
    guard size > 0 else { throw SystemError(call: "readlink", code: errno, context: "\(raw)") }
    return String(decoding: text.prefix(size).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  @Test func duplicatesShareTheFileAndAreNotInherited() throws {
    let event = try EventDescriptor()
    let copy = try event.descriptor.duplicate()
    #expect(copy.raw != event.raw)
    #expect(fcntl(copy.raw, F_GETFD) & FD_CLOEXEC != 0)
    event.signal()
    #expect(clinux_eventfd_read(copy.raw) == 1)
    #expect(event.drain() == 0)
  }

  @Test func kindsAreRecognised() throws {
    #expect(try memoryFile(size: 4096).kind == .sharedMemory(pageSize: 4096))
    #expect(try EventDescriptor().descriptor.kind == .eventfd)
    #expect(try UnixSocket.pair().0.kind == .socket)
    let null = Descriptor(owning: open("/dev/null", O_RDWR | O_CLOEXEC))
    #expect(null.kind == .other("/dev/null"))
    // No memory, though it is a regular file.
    let file = Descriptor(owning: open("/proc/self/status", O_RDONLY | O_CLOEXEC))
    #expect(file.kind == .foreignFile("/proc/\(getpid())/status", FileSystem(number: 0x9FA0)))
    let pidfd = try #require(ProcessIdentity.of(pid: getpid())).watch()
    guard case .other = pidfd.kind else {
      Issue.record("\(pidfd.kind)")
      return
    }
  }

  @Test func fileWithTheNameOfAnEventIsNone() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("anon_inode:[eventfd]")
    let file = Descriptor(owning: open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600))
    #expect(file.kind != .eventfd)
  }

  @Test func hugePagesAreRecognised() throws {
    // A memfd of size 0 takes no huge page, so this needs none to be free.
    let file = try memoryFile(size: 0, hugePageSize: 2 << 20)
    #expect(file.kind == .sharedMemory(pageSize: 2 << 20))
  }

  @Test func fileSystemsHaveNames() {
    #expect(FileSystem(number: 0x6573_5546).description == "FUSE")
    #expect(FileSystem(number: 0x6969).description == "NFS")
    #expect(FileSystem(number: 0xFE53_4D42).description == "SMB2")
    #expect(FileSystem(number: 0x794C_7630).description == "overlayfs (the files of a container)")
    #expect(FileSystem(number: 0x1234).description == "a file system that is not known here (0x1234)")
  }

  @Test func waysOfOpeningAreTold() throws {
    let file = try memoryFile(size: 4096)
    #expect(file.isReadWrite)
    for flags in [O_RDONLY, O_WRONLY, 0x20_0000] {  // O_PATH, which Glibc's module does not have
      #expect(!Descriptor(owning: open("/proc/self/fd/\(file.raw)", flags | O_CLOEXEC)).isReadWrite)
    }
  }

  @Test func fileSizeIsThatOfTheFile() throws {
    #expect(try memoryFile(size: 12345).fileSize == 12345)
  }

  @Test func setNonBlockingHoldsForTheOpenFile() throws {
    let raw = eventfd_blocking()
    let event = Descriptor(owning: raw)
    #expect(fcntl(event.raw, F_GETFL) & O_NONBLOCK == 0)
    try event.setNonBlocking()
    #expect(fcntl(event.raw, F_GETFL) & O_NONBLOCK != 0)
  }

  /// An eventfd that a peer made blocking.
  private func eventfd_blocking() -> CInt {
    let raw = clinux_eventfd_create()
    _ = fcntl(raw, F_SETFL, fcntl(raw, F_GETFL) & ~O_NONBLOCK)
    return raw
  }
}
