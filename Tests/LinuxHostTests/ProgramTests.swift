import Glibc
import LinuxHost
import TestSupport
import Testing

/// Programs that are started from open files, and what they are told by.
@Suite struct ProgramTests {
  /// Whatever lies at its path by then; a script is opened once more by its interpreter.
  @Test func anOpenFileIsWhatRuns() async throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("program")
    do {
      let script = try Descriptor.createFile(path, mode: 0o755)
      _ = try script.write(Array("#!/bin/sh\nread word; echo \"said $word\" >&0; read word\n".utf8), from: 0)
    }
    let file = try Descriptor.openFile(path)
    try Descriptor.removeFile(path)
    let (ours, theirs) = try UnixSocket.pair()
    // A shell's `read` takes no "not yet" for an answer.
    #expect(fcntl(theirs.raw, F_SETFL, 0) == 0)
    let process = try spawn(SpawnRequest(executable: path), program: file, input: theirs)
    defer { process.signal(SIGKILL) }
    _ = try UnixSocket.send(ours, Array("hello\n".utf8))
    #expect(try await Readiness.wait(for: ours, timeoutSeconds: 60))
    guard case .data(let bytes, _) = try UnixSocket.receive(ours, size: 100, maximumDescriptors: 0) else {
      Issue.record("the script said nothing")
      return
    }
    #expect(String(decoding: bytes, as: UTF8.self) == "said hello\n")
    // Nothing else of ours is open in it, but what its interpreter has opened.
    let open = withExtendedLifetime(ours) {
      Set(HostFacts.entries(of: "/proc/\(process.pid)/fd").compactMap { Int($0) })
    }
    #expect(open.isSuperset(of: [0, 1, 2, Int(programNumber)]) && open.count <= 5, "\(open)")
  }

  @Test func aProgramThatIsNoneIsAnError() throws {
    let directory = try TemporaryDirectory()
    let file = try Descriptor.createFile(directory.path("x"), mode: 0o644)
    let (_, theirs) = try UnixSocket.pair()
    let error = #expect(throws: SystemError.self) {
      try spawn(SpawnRequest(executable: directory.path("x")), program: file, input: theirs)
    }
    #expect(error?.call == "execve" && error?.context == directory.path("x"))
  }

  @Test func ownershipIsTheOpenFiles() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("x")
    let file = try Descriptor.createFile(path, mode: 0o600)
    var known = try file.ownership()
    #expect(known.user == geteuid() && !known.othersMayWrite && !known.isExecutable)
    #expect(chmod(path, 0o720) == 0)
    known = try file.ownership()
    #expect(known.othersMayWrite && known.isExecutable)
    #expect(chmod(path, 0o702) == 0)
    #expect(try file.ownership().othersMayWrite)
  }

  @Test func whatIsAppendedComesBehind() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("x")
    for part in ["one ", "two "] {
      let file = try Descriptor.appendFile(path)
      _ = try file.write(Array(part.utf8), from: 0)
    }
    #expect(HostFacts.text(ofFile: path) == "one two ")
  }

  @Test(arguments: ["127.0.0.1", "::1"]) func listeningIsRefusedWhereSomebodyDoes(_ address: String) throws {
    let one = try TCPSocket.listen(address: address, port: 0, backlog: 4)
    withExtendedLifetime(one) {}
    #expect(throws: SystemError.self) { try TCPSocket.listen(address: "256.0.0.1", port: 1, backlog: 4) }
    #expect(throws: SystemError.self) { try TCPSocket.listen(address: "192.0.2.1", port: 0, backlog: 4) }
  }

  /// As systemd's are, and as those of other managers.
  @Test(arguments: [true, false]) func aServiceManagerIsTold(_ isAbstract: Bool) throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("notify")
    let socket: Descriptor
    let name: String
    if isAbstract {
      name = "@\(path)"
      let raw = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
      socket = Descriptor(owning: raw)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      let size = withUnsafeMutableBytes(of: &address.sun_path) { bytes in
        bytes[0] = 0
        for (place, byte) in path.utf8.enumerated() { bytes[place + 1] = byte }
        return path.utf8.count + 1
      }
      let bound = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(raw, $0, socklen_t(MemoryLayout<sa_family_t>.size + size))
        }
      }
      #expect(bound == 0)
    } else {
      name = path
      socket = try UnixSocket.bind(path: path, mode: 0o600, owner: nil)
    }
    try ServiceManager.tell("READY=1\nMAINPID=7", at: name)
    guard case .data(let bytes, _) = try UnixSocket.receive(socket, size: 100, maximumDescriptors: 0) else {
      Issue.record("nothing came")
      return
    }
    #expect(String(decoding: bytes, as: UTF8.self) == "READY=1\nMAINPID=7")
    #expect(throws: SystemError.self) { try ServiceManager.tell("READY=1", at: directory.path("nobody")) }
  }
}
