import Foundation
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// A million frames of mixed sizes through the program: what a capture has of them is what was sent, byte by byte and
  /// in order at each port.
  @Suite struct EveryFrame {
    private static let lab = "ape-every"
    /// Of each of the two ports.
    private static let count = 500_000
    private static let sizes = [
      60, 61, 64, 65, 66, 70, 90, 127, 128, 129, 200, 257, 64, 60, 590, 80, 1513, 61, 72, 1514,
    ]

    private static let file = """
      version: 1
      name: ape-every
      switches: { sw1: {}, sw2: {} }
      nodes:
        h1: { kind: netns, nics: { eth0: { switch: sw1 } } }
        h2: { kind: netns, nics: { eth0: { switch: sw2 } } }

      """

    /// A capture file, and where its frames lie in it.
    private struct Frames {
      var bytes: Data
      var ranges: [Range<Int>] = []

      /// Writes frames as a pcap file with nanoseconds: one every 20 us, each with a number of its own.
      init() {
        bytes = Self.words([0xA1B2_3C4D, 0x0004_0002, 0, 0, 262_144, 1])
        let filler = Data((0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 7) })
        for number in 0..<EveryFrame.count {
          let size = EveryFrame.sizes[number % EveryFrame.sizes.count]
          let time = number * 20_000
          bytes += Self.words([time / 1_000_000_000, time % 1_000_000_000, size, size])
          let start = bytes.count
          bytes += [0x02, 0, 0, 0, 0, 0x99, 0x02, 0, 0, 0, 0, 0x98, 0x88, 0xB5]
          bytes += Self.words([number])
          let place = number &* 7919 % 65536
          bytes += filler[place..<(place + size - 18)]
          ranges.append(start..<bytes.count)
        }
      }

      private static func words(_ values: [Int]) -> Data {
        Data(values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } })
      }
    }

    /// What a capture has, looked at by nothing but the layout that pcapng's draft gives.
    private struct Finding {
      /// Frames by interface, and those among them that are not the next of what was sent.
      var found: [String: Int] = [:]
      var wrong = 0

      init(_ capture: Data, _ sent: Frames) {
        var names: [String] = []
        var place = 0
        while place + 12 <= capture.count {
          let (type, size) = (Self.word(capture, place), Self.word(capture, place + 4))
          guard size >= 12, place + size <= capture.count else {
            wrong += 1
            return
          }
          switch type {
          case 1: names.append(Self.name(capture[(place + 16)..<(place + size - 4)]))
          case 6:
            let name = names[Self.word(capture, place + 8)]
            let (kept, length) = (Self.word(capture, place + 20), Self.word(capture, place + 24))
            let bytes = capture[(place + 28)..<(place + 28 + kept)]
            // What the nodes' kernels say of themselves is in the capture too.
            guard kept == length, Self.isOurs(bytes) else { break }
            let next = found[name, default: 0]
            if next >= sent.ranges.count || sent.bytes[sent.ranges[next]] != bytes { wrong += 1 }
            found[name] = next + 1
          default: break
          }
          place += size
        }
      }

      private static func word(_ data: Data, _ place: Int) -> Int {
        Int(data[place]) | Int(data[place + 1]) << 8 | Int(data[place + 2]) << 16 | Int(data[place + 3]) << 24
      }

      /// Option 2 of an interface.
      private static func name(_ options: Data) -> String {
        var place = options.startIndex
        while place + 4 <= options.endIndex {
          let (code, size) = (word(options, place) & 0xFFFF, word(options, place) >> 16)
          if code == 2 { return String(decoding: options[(place + 4)..<(place + 4 + size)], as: UTF8.self) }
          place += 4 + (size + 3) & ~3
        }
        return ""
      }

      private static func isOurs(_ frame: Data) -> Bool {
        frame.count > 14 && frame[frame.startIndex + 12] == 0x88 && frame[frame.startIndex + 13] == 0xB5
      }
    }

    @Test(.timeLimit(.minutes(12))) func aMillionFramesAreTheSame() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file), expecting: 0)
        let sent = Frames()
        let source = "\(sandbox.folder)/source.pcap"
        try sent.bytes.write(to: URL(filePath: source))
        // A machine that others keep busy may be too slow for the first speed: then the capture says so, and that is
        // counted right too.
        for speed in ["1", "0.5", "0.2", "0.05"] {
          let dropped = try await Self.pass(source, sent, speed, sandbox)
          if dropped == 0 { return }
        }
        throw Failure("the capture dropped frames at every speed")
      }
    }

    /// Sends the frames into both ports while both are captured.
    /// - Returns: frames that the capture says it dropped; if none, all were there and right.
    private static func pass(
      _ source: String, _ sent: Frames, _ speed: String, _ sandbox: Sandbox
    ) async throws -> Int {
      let path = "\(sandbox.folder)/captured.pcapng"
      let log = "capture-\(speed).log"
      let capture = try sandbox.start(
        [sandbox.binary, "capture", "all", "--direction", "in", "-w", path], log: log)
      try await eventually("the capture runs") { FileManager.default.fileExists(atPath: path) }
      try await Task.sleep(for: .seconds(1))
      async let first = sandbox.apus(
        "capture", "--from-file", source, "--inject", "h1:eth0", "--speed", speed, expecting: 0, within: 120)
      async let second = sandbox.apus(
        "capture", "--from-file", source, "--inject", "h2:eth0", "--speed", speed, expecting: 0, within: 120)
      for outcome in try await [first, second] {
        #expect(outcome.errors.contains("\(count) frames sent into"), "\(outcome)")
      }
      capture.signal(SIGINT)
      #expect(await capture.wait(timeoutSeconds: 30))
      let words = text(of: "\(sandbox.folder)/\(log)") ?? ""
      let dropped = words.split(separator: ", ").last.flatMap { Int($0.prefix { $0.isNumber }) } ?? -1
      let data = try Data(contentsOf: URL(filePath: path))
      try FileManager.default.removeItem(atPath: path)
      let finding = Finding(data, sent)
      if dropped == 0 {
        #expect(finding.wrong == 0)
        #expect(finding.found == ["h1.eth0": count, "h2.eth0": count], "\(words)")
      } else {
        #expect(dropped > 0 && finding.found.values.reduce(0, +) + dropped >= 2 * count, "\(words)")
      }
      return dropped
    }
  }
}
