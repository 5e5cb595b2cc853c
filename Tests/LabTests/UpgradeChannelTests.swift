import FoundationEssentials
import Glibc
import LinuxHost
import TestSupport
import Testing

@testable import Lab

/// The socket between the two daemons of an upgrade, and what is let in by it.
@Suite struct UpgradeChannelTests {
  private static var soon: ContinuousClock.Instant { .now + .seconds(60) }

  private static func hello(_ apus: String) -> UpgradeMessage {
    var message = UpgradeMessage()
    message.hello = UpgradeMessage.Hello(apus: apus, protocolVersion: UpgradeMessage.version)
    return message
  }

  private static func ends() throws -> (UpgradeChannel, Descriptor) {
    let (one, other) = try UnixSocket.pair()
    return (UpgradeChannel(one), other)
  }

  private static func failure(of channel: UpgradeChannel, by deadline: ContinuousClock.Instant = soon) async -> String {
    do throws(UpgradeChannel.Failure) {
      let (message, _) = try await channel.receive(by: deadline)
      return message.word
    } catch {
      switch error {
      case .ended: return "ended"
      case .late: return "late"
      case .garbled(let words): return words
      case .host(let error): return "\(error)"
      }
    }
  }

  /// More than one batch, and more than the socket holds.
  @Test func messagesAndDescriptorsComeInOrder() async throws {
    let (one, other) = try Self.ends()
    let file = try Descriptor.memoryFile(Array("here".utf8))
    let long = String(repeating: "x", count: 3 << 20)
    let sending = Task {
      try await one.send(Self.hello("first"), [Descriptor](repeating: file, count: 450), by: Self.soon)
      try await one.send(Self.hello(long), by: Self.soon)
    }
    let receiver = UpgradeChannel(other)
    let (first, descriptors) = try await receiver.receive(by: Self.soon)
    #expect(first.hello?.apus == "first" && descriptors.count == 450)
    #expect(try descriptors.last?.read(at: 0, count: 4) == Array("here".utf8))
    let (second, none) = try await receiver.receive(by: Self.soon)
    #expect(second.hello?.apus == long && none.isEmpty)
    try await sending.value
  }

  @Test func whoHasGoneIsNoticedAndWhoIsSilentToo() async throws {
    let (one, other) = try Self.ends()
    #expect(await Self.failure(of: one, by: .now + .milliseconds(20)) == "late")
    // In the middle of a message.
    _ = try UnixSocket.send(other, [9, 0, 0, 0, 0])
    #expect(await Self.failure(of: one, by: .now + .milliseconds(20)) == "late")
    let (two, gone) = try Self.ends()
    withExtendedLifetime(gone) {}
    _ = try UnixSocket.send(gone, [9, 0, 0, 0, 0, 0, 0, 0, 1])
    do {
      let (three, last) = try Self.ends()
      _ = try UnixSocket.send(last, [9, 0, 0])
      _ = consume last
      #expect(await Self.failure(of: three) == "ended")
    }
    #expect(await Self.failure(of: two, by: .now + .milliseconds(20)) == "late")
  }

  struct Wrong: Sendable, CustomTestStringConvertible {
    var size: UInt8 = 2
    var count: UInt8 = 0
    var body: String
    /// Of what is said of it.
    var words: String
    var testDescription: String { words }

    var bytes: [UInt8] { [size, 0, 0, 0, count, 0, 0, 0] + Array(body.utf8) }
  }

  static let wrong: [Wrong] = [
    Wrong(body: "no", words: ""), Wrong(body: "{}", words: "nothing"),
    Wrong(count: 3, body: "{}x", words: "0 descriptors where there are to be 3"),
  ]

  @Test func sizesAreBounded() async throws {
    let long: [UInt8] = [255, 255, 255, 255, 0, 0, 0, 0]
    let many: [UInt8] = [2, 0, 0, 0, 255, 255, 255, 255]
    for bytes in [long, many, Array("GET / HTTP/1.1".utf8)] {
      let (one, other) = try Self.ends()
      _ = try UnixSocket.send(other, bytes)
      #expect(await Self.failure(of: one).hasPrefix("a message of "))
    }
  }

  @Test(arguments: wrong) func whatIsNoMessageIsRefused(_ wrong: Wrong) async throws {
    let (bytes, words) = (wrong.bytes, wrong.words)
    let (one, other) = try Self.ends()
    _ = try UnixSocket.send(other, bytes)
    let failure = await Self.failure(of: one)
    #expect(failure.contains(words) && failure != "late" && failure != "ended", "\(failure)")
  }
}

/// What may go on with a lab.
@Suite struct UpgradeProgramTests {
  private static func words(_ path: String) -> String {
    do throws(UserError) {
      _ = try UpgradeProgram(path)
      return "taken"
    } catch {
      #expect(error.code == .badInput)
      return error.message
    }
  }

  @Test func onlyItsOwnerMayHaveWrittenIt() throws {
    let directory = try TemporaryDirectory()
    let folder = directory.path
    do {
      let path = "\(folder)/apus"
      #expect(Self.words("apus") == "the program's path must begin with /, found \"apus\"")
      #expect(Self.words(path) == "cannot open \(path): No such file or directory")
      #expect(Self.words(folder) == "\(folder) is not a file of bytes")
      try Data("#!/bin/sh\n".utf8).write(to: URL(filePath: path))
      func allow(_ mode: Int) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
      }
      try allow(0o644)
      #expect(Self.words(path) == "\(path) is not executable")
      for mode in [0o775, 0o757, 0o777] {
        try allow(mode)
        #expect(Self.words(path) == "\(path) may be written to by others than its owner")
      }
      try allow(0o755)
      #expect(Self.words(path) == "taken")
      // What a link leads to counts.
      try FileManager.default.createSymbolicLink(atPath: "\(folder)/link", withDestinationPath: path)
      #expect(Self.words("\(folder)/link") == "taken")
      guard HostFacts.isRoot else { return }
      #expect(chown(path, 65534, 65534) == 0)
      #expect(Self.words(path) == "\(path) belongs to user nobody, and must belong to root")
    }
  }
}
