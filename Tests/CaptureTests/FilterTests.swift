import CPcap
import Capture
import Dataplane
import GuestKit
import Testing

/// Filter expressions: what libpcap says of them, and whether captures judge frames as libpcap does.
@Suite struct FilterTests {
  @Test func emptyTextWantsEverything() throws {
    #expect(try Filter("").program == nil)
    #expect(try Filter(" \n").program == nil)
    #expect(try Filter("tcp").program != nil)
  }

  @Test(arguments: [
    ("tcp and", "syntax error"), ("foo bar", "syntax error"), ("port 99999", "illegal port number 99999 > 65535"),
    ("vlan 5000", "VLAN tag 5000 greater than maximum 4095"), ("ether[", "syntax error"),
    ("ip[999999999999999]", "overflows 32 bits"),
  ])
  func wrongExpressionsHaveLibpcapsWords(text: String, message: String) {
    do throws(FilterError) {
      _ = try Filter(text)
      Issue.record("\(text) was taken")
    } catch {
      #expect(error.description.contains(message), "\(text): \(error)")
      guard case .syntax = error else {
        Issue.record("\(text): \(error)")
        return
      }
    }
  }

  @Test func whatCannotBeRunIsSaid() {
    #expect(throws: FilterError.unusable(.looksTooFar(1000))) { try Filter("ether[1000] = 1") }
    // Whose frame it is does not stand in the frame.
    let error = #expect(throws: FilterError.self) { try Filter("inbound") }
    #expect(error?.description.contains("--direction") == true)
  }

  @Test func manyThreadsCompileAtOnce() async throws {
    await withTaskGroup(of: Bool.self) { group in
      for number in 0..<64 {
        group.addTask {
          number % 3 == 0 ? (try? Filter("bad (")) == nil : (try? Filter("tcp port \(1 + number)")) != nil
        }
      }
      for await isRight in group { #expect(isRight) }
    }
  }

  static let expressions = [
    "ip", "ip6", "arp", "vlan", "vlan 10", "vlan 10 and ip", "vlan and vlan 20", "vlan 10 and udp port 5000", "tcp",
    "udp and port 5000", "tcp port 80 or udp port 53", "host 10.0.0.1", "net 10.0.0.0/8", "src 10.0.0.2 and tcp",
    "ip6 and udp port 5000", "ether host 02:00:00:00:00:01", "ether broadcast", "multicast", "greater 200", "less 100",
    "not ip and not arp", "ip[8] = 64", "tcp[tcpflags] & tcp-push != 0", "udp[8] = 3", "len > 300 and udp",
    "ether proto 0x88b5", "ether[14] & 1 = 1", "portrange 1-6000", "icmp or icmp6",
    "ip and (tcp or udp) and not port 1",
    "ether[12:2] > 1500 and ether[30:4] % 7 = 3", "ip[2:2] - 20 > 100", "ip6[6] = 17 and ip6[40:2] = 4000",
  ]

  private static func frames() -> [[UInt8]] {
    var frames: [[UInt8]] = []
    let (v4, w4): ([UInt8], [UInt8]) = ([10, 0, 0, 1], [10, 0, 0, 2])
    let v6 = [0xFD] + [UInt8](repeating: 0, count: 14) + [1]
    for tags in [[], [.init(10)], [.init(20)], [.init(10), .init(20)], [.init(10, type: 0x88A8)]]
      as [[FrameBuilder.Tag]]
    {
      for destination in [FrameBuilder.station(2), FrameBuilder.broadcast, [1, 0, 0x5E, 0, 0, 1]] {
        let builder = FrameBuilder(to: destination, from: FrameBuilder.station(1), tags: tags)
        for count in [0, 3, 80, 400] {
          let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 + count) }
          frames.append(builder.udp(from: v4, to: w4, payload: payload).frame)
          frames.append(builder.udp(from: w4, to: v4, ports: (53, 7), payload: payload).frame)
          frames.append(builder.udp(from: v6, to: v6, payload: payload).frame)
          frames.append(builder.tcp(from: w4, to: v4, ports: (80, 9), payload: payload).frame)
          frames.append(builder.tcp(from: v6, to: v6, payload: payload).frame)
          frames.append(builder.plain(size: 20 + count, seed: count))
        }
        frames.append(
          builder.arp(operation: 1, senderAddress: v6, senderIP: v4, targetAddress: v6, targetIP: w4))
        // An IPv4 header with options.
        var long = builder.udp(from: v4, to: w4, payload: [3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3]).frame
        long[14 + 4 * tags.count] = 0x47
        frames.append(long)
      }
    }
    return frames
  }

  /// The interpreter on the worker and the one of libpcap agree on every frame.
  @Test(arguments: expressions) func framesAreJudgedAsLibpcapJudgesThem(_ text: String) async throws {
    try await CaptureBench.with { bench in
      let frames = Self.frames()
      let wanted = try frames.filter { try Self.isWanted($0, text) }
      let filter = try Filter(text)
      let capture = try await bench.dataplane.startCapture(ports: ["a.eth0"], .filtered(filter))
      for part in stride(from: 0, to: frames.count, by: 32) {
        try bench.send(Array(frames[part..<min(part + 32, frames.count)]))
      }
      await bench.dataplane.stopCapture(capture)
      var got: [[UInt8]] = []
      var bytes: [UInt8] = []
      while capture.next(into: &bytes) != nil { got.append(bytes) }
      #expect(got == wanted)
    }
  }

  private static func isWanted(_ frame: [UInt8], _ text: String) throws -> Bool {
    let handle = try #require(pcap_open_dead(DLT_EN10MB, 262_144))
    defer { pcap_close(handle) }
    var program = bpf_program()
    try #require(pcap_compile(handle, &program, text, 1, 0xFFFF_FFFF) == 0)
    defer { pcap_freecode(&program) }
    return frame.withUnsafeBufferPointer {
      bpf_filter(program.bf_insns, $0.baseAddress, UInt32(frame.count), UInt32(frame.count)) != 0
    }
  }
}

extension CaptureConfiguration {
  static func filtered(_ filter: Filter) -> CaptureConfiguration {
    var configuration = CaptureConfiguration()
    configuration.filter = filter.program
    return configuration
  }
}
