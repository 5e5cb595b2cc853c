import Glibc
import Testing

@testable import LinuxHost

/// Children whose streams are in our hands.
@Suite(.timeLimit(.minutes(2))) struct RunningChildTests {
  init() { Signals.ignorePipe() }

  private func child(
    _ script: String, isFed: Bool = true, terminal: WindowSize? = nil
  ) throws -> RunningChild {
    var request = SpawnRequest(executable: "/bin/sh", arguments: ["-c", script])
    request.isFed = isFed
    request.terminal = terminal
    return try RunningChild(request)
  }

  private func rest(of child: RunningChild) async throws -> (output: String, status: Int32?) {
    var (bytes, status) = ([UInt8](), Int32?.none)
    while let event = try await child.next() {
      switch event {
      case .output(_, let more): bytes += more
      case .ended(let code): status = code
      }
    }
    return (String(decoding: bytes, as: UTF8.self), status)
  }

  /// Waits until all of an answer has come.
  private func answer(_ text: String, of child: RunningChild) async throws {
    var shown = ""
    while !shown.hasSuffix(text), case .output(_, let bytes) = try await child.next() {
      shown += String(decoding: bytes, as: UTF8.self)
    }
    #expect(shown.hasSuffix(text), "\(shown)")
  }

  /// A lab of many namespaces needs more descriptors than shells give; some programs cannot bear that many.
  @Test func childrenHaveTheDescriptorLimitThatWeHad() async throws {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(7), &limit)  // RLIMIT_NOFILE
    let former = limit.rlim_cur
    DescriptorLimit.raise()
    getrlimit(__rlimit_resource_t(7), &limit)
    #expect(limit.rlim_cur == limit.rlim_max)
    DescriptorLimit.raise()
    let children = DescriptorLimit.ofChildren
    // Another test of this process may have raised it before.
    #expect(children == former || former == limit.rlim_max)
    #expect(try await rest(of: child("ulimit -Sn")).output == "\(children)\n")
  }

  @Test func whatIsWrittenIsReadToItsEnd() async throws {
    let child = try child("wc -c; exit 3")
    let input = try #require(child.input)
    #expect(await input.write([UInt8](repeating: 0, count: 300_000)))
    await input.end()
    let (output, status) = try await rest(of: child)
    #expect(output == "300000\n")
    #expect(status == 3)
  }

  @Test func bothWaysAtOnceNeitherRunsAhead() async throws {
    let child = try child("cat")
    let input = try #require(child.input)
    let size = 20 << 20
    let writer = Task {
      for _ in 0..<20 { guard await input.write([UInt8](repeating: 7, count: 1 << 20)) else { return false } }
      await input.end()
      return true
    }
    var count = 0
    while case .output(_, let bytes) = try await child.next() {
      // A pipe's worth each time, whatever waits.
      #expect(bytes.count <= 1 << 16)
      count += bytes.count
    }
    #expect(count == size)
    #expect(await writer.value)
  }

  @Test func aChildThatReadsNothingIsNoDeadlock() async throws {
    let child = try child("exec <&-; echo closed; sleep 0.2")
    let input = try #require(child.input)
    #expect(try await child.next() == .output(isError: false, Array("closed\n".utf8)))
    #expect(await input.write([UInt8](repeating: 0, count: 1 << 20)) == false)
    #expect(try await rest(of: child).status == 0)
  }

  @Test func aTerminalHasItsSizeAndIsTheSessionsOwn() async throws {
    let child = try child(
      "stty size </dev/tty; trap 'stty size; exit 5' WINCH; echo ready; while :; do sleep 0.1; done",
      terminal: WindowSize(rows: 33, columns: 111))
    var shown = ""
    var (hasChanged, status) = (false, Int32?.none)
    while let event = try await child.next() {
      switch event {
      case .output(_, let bytes): shown += String(decoding: bytes, as: UTF8.self)
      case .ended(let code): status = code
      }
      if shown.contains("ready"), !hasChanged {
        child.input?.resize(to: WindowSize(rows: 40, columns: 120))
        hasChanged = true
      }
    }
    #expect(shown == "33 111\r\nready\r\n40 120\r\n")
    #expect(status == 5)
  }

  @Test func controlCharactersReachTheTerminalsForeground() async throws {
    let child = try child("cat; echo end", terminal: WindowSize(rows: 24, columns: 80))
    #expect(await child.input?.write(Array("ready\n".utf8)) == true)
    // Behind the terminal's echo, `cat` itself answers: dash 0.5.12 loses a signal that comes between its vfork and the
    // exec of what it starts, and then waits for a `cat` that never had one.
    try await answer("ready\r\nready\r\n", of: child)
    #expect(await child.input?.write([3]) == true)
    #expect(try await rest(of: child).status == 128 + SIGINT)
    let other = try self.child("cat; echo end", terminal: WindowSize(rows: 24, columns: 80))
    await other.input?.end()
    let (output, status) = try await rest(of: other)
    #expect(output.hasSuffix("end\r\n"))
    #expect(status == 0)
  }

  @Test func theEndOfATerminalsInputIsAnEndWithinALineToo() async throws {
    for text in ["x", "x\n", "x\r", ""] {
      let child = try child("stty -echo; echo ready; wc -c", terminal: WindowSize(rows: 24, columns: 80))
      #expect(try await child.next() == .output(isError: false, Array("ready\r\n".utf8)))
      #expect(await child.input?.write(Array(text.utf8)) == true)
      await child.input?.end()
      #expect(try await rest(of: child).output == "\(text.count)\r\n")
    }
  }

  @Test func abandonedItEnds() async throws {
    let child = try child("echo $$; exec sleep 1000")
    guard case .output(_, let bytes) = try await child.next(),
      let pid = Int32(String(decoding: bytes, as: UTF8.self).dropLast())
    else { throw SystemError(call: "test", code: EPROTO, context: "no number") }
    let process = ProcessIdentity.of(pid: pid)
    child.abandon()
    #expect(await process?.wait(timeoutSeconds: 60) ?? true)
  }
}
