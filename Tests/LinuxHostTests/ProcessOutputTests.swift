import Glibc
import LinuxHost
import Testing
import TestSupport

/// A process that is read as it is wanted.
@Suite struct ProcessOutputTests {
  private func start(_ script: String) throws -> ProcessOutput {
    try ProcessOutput(SpawnRequest(executable: "sh", arguments: ["-c", script]))
  }

  private func all(_ process: ProcessOutput) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    while let piece = try await process.next() { bytes += piece }
    return bytes
  }

  @Test func everythingComesAndThenTheStatus() async throws {
    let process = try start("head -c 3000000 /dev/zero; echo so it is >&2; exit 3")
    #expect(process.status == nil)
    #expect(try await all(process).count == 3_000_000)
    #expect(process.status == 3 && process.complaint == "so it is\n")
    #expect(try await process.next() == nil)
    await process.close()
  }

  /// What is not read is not made: the process waits, and is ended with the reader.
  @Test(.timeLimit(.minutes(1))) func aFasterProcessWaits() async throws {
    let folder = try TemporaryDirectory()
    let process = try start("echo $$ >'\(folder.path("pid"))'; exec yes")
    let first = try #require(try await process.next())
    #expect(first.starts(with: Array("y\n".utf8)) && process.status == nil)
    await process.close()
    let text = try Descriptor.openFile(folder.path("pid")).read(size: 100)
    let pid = try #require(pid_t(String(decoding: text.dropLast(), as: UTF8.self)))
    #expect(kill(pid, 0) == -1 && errno == ESRCH)
  }

  @Test func complaintsAreCut() async throws {
    let process = try start("head -c 100000 /dev/zero | tr '\\0' x >&2")
    #expect(try await all(process).isEmpty)
    #expect(process.complaint == String(repeating: "x", count: 1000))
  }

  @Test(.timeLimit(.minutes(1))) func aCancelledReaderGetsNil() async throws {
    let process = try start("exec sleep 1000")
    let task = Task { try await process.next() }
    try await Task.sleep(for: .milliseconds(20))
    task.cancel()
    #expect(try await task.value == nil && process.status == nil)
    await process.close()
  }

  @Test func whatIsNotThereIsSaid() {
    #expect(throws: SystemError.self) {
      _ = try ProcessOutput(SpawnRequest(executable: "/nowhere/gzip"))
    }
  }
}
