import Glibc
import LinuxHost
import Testing
import TestSupport

@Suite struct RunTests {
  /// Runs a shell script; its status and what it wrote.
  private func shell(
    _ script: String, environment: [String: String]? = nil, timeoutSeconds: Double? = nil
  ) async throws -> (status: Int32, output: String, error: String) {
    let written = Shared((output: [UInt8](), error: [UInt8]()))
    let status = try await run(
      SpawnRequest(executable: "/bin/sh", arguments: ["-c", script], environment: environment),
      onOutput: { isError, bytes in
        written.update { written in
          if isError { written.error += bytes } else { written.output += bytes }
        }
      }, timeoutSeconds: timeoutSeconds)
    return (
      status, String(decoding: written.value.output, as: UTF8.self),
      String(decoding: written.value.error, as: UTF8.self)
    )
  }

  @Test func handsOverBothStreamsAndTheStatus() async throws {
    let result = try await shell("echo out; echo err >&2; exit 3")
    #expect(result.status == 3)
    #expect(result.output == "out\n")
    #expect(result.error == "err\n")
  }

  @Test func theSameWithoutATask() throws {
    var written: [Bool: [UInt8]] = [:]
    let script = "head -c 300000 /dev/zero | tr '\\0' x; echo err >&2; exit 3"
    let status = try runHoldingThread(SpawnRequest(executable: "sh", arguments: ["-c", script])) {
      written[$0, default: []] += $1
    }
    #expect(status == 3)
    #expect(written[false]?.count == 300_000)
    #expect(written[true] == Array("err\n".utf8))
    #expect(throws: SystemError.self) { try runHoldingThread(SpawnRequest(executable: "no-such-program")) { _, _ in } }
  }

  @Test func signalsShowIn128Plus() async throws {
    #expect(try await shell("kill -TERM $$").status == 128 + SIGTERM)
  }

  @Test func outputOfAnySizeIsComplete() async throws {
    let result = try await shell("head -c 3000000 /dev/zero | tr '\\0' x; echo end")
    #expect(result.output.utf8.count == 3_000_004)
    #expect(result.output.hasSuffix("xend\n"))
  }

  @Test func environmentIsExactlyAsGiven() async throws {
    let result = try await shell("/usr/bin/env -u PWD -u _ -u SHLVL", environment: ["A": "1", "B": "ä b"])
    #expect(result.output == "A=1\nB=ä b\n")
  }

  @Test func processesLeftBehindDoNotHoldItUp() async throws {
    let result = try await shell("sleep 1000 & echo $!")
    let child = try #require(Int32(result.output.dropLast()))
    kill(child, SIGKILL)
    #expect(result.status == 0)
  }

  @Test func timeoutKillsTheWholeGroup() async throws {
    let directory = try TemporaryDirectory()
    let file = directory.path("pid")
    let error = await #expect(throws: SystemError.self) {
      _ = try await shell("sleep 1000 & echo $! > \(file); wait", timeoutSeconds: 2)
    }
    #expect(error?.code == ETIMEDOUT)
    let pid = try #require(HostFacts.text(ofFile: file).flatMap { Int32($0.dropLast()) })
    let child = ProcessIdentity.of(pid: pid)
    #expect(await child?.wait(timeoutSeconds: 60) ?? true)
  }

  @Test func cancellationKillsAndIsReported() async throws {
    let started = try EventDescriptor()
    let task = Task {
      try await run(SpawnRequest(executable: "/bin/sh", arguments: ["-c", "echo go; sleep 1000"])) { _, _ in
        started.signal()
      }
    }
    #expect(try await Readiness.wait(for: started.descriptor, timeoutSeconds: 60))
    task.cancel()
    await #expect(throws: CancellationError.self) { _ = try await task.value }
  }

  @Test func manyAtOnce() async throws {
    try await withThrowingTaskGroup(of: (Int, Int32, String).self) { group in
      for number in 0..<24 {
        group.addTask {
          let result = try await shell("echo \(number); exit \(number)")
          return (number, result.status, result.output)
        }
      }
      for try await (number, status, output) in group {
        #expect(status == Int32(number))
        #expect(output == "\(number)\n")
      }
    }
  }

  @Test func missingExecutableIsAnError() async {
    await #expect(throws: SystemError(call: "execve", code: ENOENT, context: "/nowhere/x")) {
      _ = try await run(SpawnRequest(executable: "/nowhere/x")) { _, _ in }
    }
  }

  @Test func noDescriptorsOrZombiesAreLeft() async {
    await #expect(processExitsWith: .success) {
      _ = try await run(SpawnRequest(executable: "true")) { _, _ in }
      let before = HostFacts.entries(of: "/proc/self/fd").count
      for _ in 0..<10 {
        _ = try await run(SpawnRequest(executable: "true")) { _, _ in }
        _ = try? await run(SpawnRequest(executable: "/nowhere/x")) { _, _ in }
        let slow = SpawnRequest(executable: "sleep", arguments: ["9"])
        _ = try? await run(slow, onOutput: { _, _ in }, timeoutSeconds: 0)
        _ = try spawn(SpawnRequest(executable: "true"))
        _ = try? spawn(SpawnRequest(executable: "/nowhere/x"))
      }
      let after = HostFacts.entries(of: "/proc/self/fd").count
      guard before == after else { exit(1) }
      guard waitpid(-1, nil, WNOHANG) == -1, errno == ECHILD else { exit(2) }
    }
  }
}
