import Glibc
import LinuxHost
import Testing
import TestSupport

@Suite struct UnixSocketTests {
  @Test func carriesBytesAndDescriptors() throws {
    let (near, far) = try UnixSocket.pair()
    let event = try EventDescriptor()
    let sent = try UnixSocket.send(near, [1, 2, 3], descriptors: [event.descriptor, event.descriptor])
    #expect(sent == 3)
    guard case .data(let bytes, let descriptors) = try UnixSocket.receive(far, size: 16, maximumDescriptors: 8) else {
      Issue.record("no data")
      return
    }
    #expect(bytes == [1, 2, 3])
    #expect(descriptors.map(\.kind) == [.eventfd, .eventfd])
    for descriptor in descriptors { #expect(fcntl(descriptor.raw, F_GETFD) & FD_CLOEXEC != 0) }
    event.signal()
    #expect(read64(descriptors[0]) == 1)
  }

  private func read64(_ descriptor: Descriptor) -> UInt64 {
    (try? descriptor.read(size: 8))?.first.map { UInt64($0) } ?? 0
  }

  @Test func emptyAndEndAreValues() throws {
    let (near, far) = try UnixSocket.pair()
    guard case .wouldBlock = try UnixSocket.receive(near, size: 1, maximumDescriptors: 0) else {
      Issue.record("expected wouldBlock")
      return
    }
    shutdown(far.raw, CInt(SHUT_WR))
    guard case .end = try UnixSocket.receive(near, size: 1, maximumDescriptors: 0) else {
      Issue.record("expected end")
      return
    }
  }

  @Test(arguments: [0, 1, 2, 7, 8])
  func tooManyDescriptorsAreRefusedAndClosed(limit: Int) async throws {
    let (near, far) = try UnixSocket.pair()
    let stream: Descriptor
    do {
      let ends = try UnixSocket.pair()
      stream = ends.0
      _ = try UnixSocket.send(near, [0], descriptors: Array(repeating: ends.1, count: limit + 1))
    }
    #expect(throws: SystemError(call: "recvmsg", code: EMSGSIZE, context: "descriptor \(far.raw)")) {
      _ = try UnixSocket.receive(far, size: 1, maximumDescriptors: limit)
    }
    let hasEnded = try await eventually {
      if case .end = try UnixSocket.receive(stream, size: 1, maximumDescriptors: 0) { true } else { false }
    }
    #expect(hasEnded, "a refused descriptor is still open")
  }

  @Test func fullSocketGivesShortCountsThenNil() throws {
    let (near, far) = try UnixSocket.pair()
    let block = [UInt8](repeating: 7, count: 1 << 20)
    var total = 0
    while let count = try UnixSocket.send(near, block) { total += count }
    #expect(total > 0)
    var received = 0
    while case .data(let bytes, _) = try UnixSocket.receive(far, size: 1 << 20, maximumDescriptors: 0) {
      received += bytes.count
    }
    #expect(received == total)
  }

  @Test func sendingToNobodyIsAnErrorNotASignal() throws {
    let (near, far) = try UnixSocket.pair()
    shutdown(far.raw, CInt(SHUT_RDWR))
    #expect(throws: SystemError(call: "sendmsg", code: EPIPE, context: "descriptor \(near.raw)")) {
      _ = try UnixSocket.send(near, [1])
    }
  }

  @Test func listensWithModeAndOwner() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("s")
    let listener = try UnixSocket.listen(path: path, mode: 0o660, owner: (user: 65534, group: 65534))
    var status = stat()
    #expect(lstat(path, &status) == 0)
    #expect(status.st_mode & 0o7777 == 0o660)
    #expect(status.st_uid == 65534)
    #expect(status.st_gid == 65534)
    #expect(try UnixSocket.accept(listener)?.raw == nil)
    let client = try UnixSocket.connect(path: path)
    let server = try #require(try UnixSocket.accept(listener))
    _ = try UnixSocket.send(client, [42])
    guard case .data(let bytes, _) = try UnixSocket.receive(server, size: 4, maximumDescriptors: 0) else {
      Issue.record("no data")
      return
    }
    #expect(bytes == [42])
  }

  @Test func staleSocketIsReplacedALiveOneIsNot() async throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("s")
    do { _ = try UnixSocket.listen(path: path, mode: 0o600, owner: nil) }
    #expect(HostFacts.exists(path))
    #expect(await eventually { (try? UnixSocket.connect(path: path)) == nil })
    let listener = try UnixSocket.listen(path: path, mode: 0o600, owner: nil)
    #expect(throws: SystemError(call: "listen", code: EADDRINUSE, context: path)) {
      _ = try UnixSocket.listen(path: path, mode: 0o600, owner: nil)
    }
    // The probe of the failed attempt hung up at once; the listener still works.
    _ = try UnixSocket.connect(path: path)
    withExtendedLifetime(listener) {}
  }

  @Test func otherFilesAreLeftAlone() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("file")
    close(open(path, O_CREAT | O_WRONLY, 0o600))
    #expect(throws: SystemError(call: "listen", code: EEXIST, context: path)) {
      _ = try UnixSocket.listen(path: path, mode: 0o600, owner: nil)
    }
    #expect(HostFacts.exists(path))
  }

  @Test func pathsHaveALimit() throws {
    let directory = try TemporaryDirectory()
    let room = UnixSocket.maximumPathLength - directory.path("").utf8.count
    _ = try UnixSocket.listen(path: directory.path(String(repeating: "x", count: room)), mode: 0o600, owner: nil)
    let path = directory.path(String(repeating: "y", count: room + 1))
    #expect(throws: SystemError(call: "listen", code: ENAMETOOLONG, context: path)) {
      _ = try UnixSocket.listen(path: path, mode: 0o600, owner: nil)
    }
  }

  @Test func connectSaysWhoIsMissing() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("none")
    #expect(throws: SystemError(call: "connect", code: ENOENT, context: path)) {
      _ = try UnixSocket.connect(path: path)
    }
  }
}
