import Capture
import Frames
import GuestKit
import Testing
import TestSupport

/// What is written is what tshark, and this module's reader, read.
@Suite struct PcapngTests {
  private func sample() throws -> (PcapngWriter, [[UInt8]]) {
    var writer = PcapngWriter()
    var section = PcapngSection()
    section.hardware = "test bench"
    section.system = "Linux"
    section.application = "apus 1.2.3"
    section.comment = "of a lab"
    writer.add(section)
    let station = try #require(MACAddress(bytes: FrameBuilder.station(1)))
    writer.add(
      names: [
        PcapngName(address: station.bytes, name: "vm1"), PcapngName(address: MACAddress.broadcast.bytes, name: ""),
        PcapngName(address: [10, 0, 0, 1], name: "vm1"),
        PcapngName(address: [UInt8](repeating: 254, count: 16), name: "vm6"),
      ])
    for number in 0..<2 {
      var interface = PcapngInterface()
      interface.name = "vm\(number).eth0"
      interface.description = "port of switch sw, access VLAN \(number)"
      interface.address = FrameBuilder.station(number + 1)
      interface.filter = number == 0 ? "udp port 5000" : ""
      interface.speed = number == 0 ? 10_000_000_000 : nil
      interface.snapLength = 1000
      interface.hardware = "apus vhost-user port"
      writer.add(interface)
    }
    var frames: [[UInt8]] = []
    for number in 0..<8 {
      let builder = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1))
      frames.append(
        builder.udp(
          from: [10, 0, 0, 1], to: [10, 0, 0, 2], ports: (40_001, 40_002), payload: (0..<number).map { UInt8($0) }
        ).frame)
      var packet = PcapngPacket()
      packet.interface = UInt32(number % 2)
      packet.timestamp = 1_700_000_000_123_456_789 + UInt64(number)
      packet.originalLength = frames[number].count
      packet.flags = (number % 2 == 0 ? Pcapng.Flags.inbound : Pcapng.Flags.outbound) | Pcapng.Flags.unicast
      packet.packetID = UInt64(number / 2) + 1 << 40
      packet.queue = UInt32(number)
      if number == 5 {
        packet.verdict = 130
        packet.comment = "dropped: no-buffer"
      }
      if number == 7 { packet.flags = (packet.flags ?? 0) | 1 << 9 | 1 << 11 }
      writer.add(packet, frames[number])
    }
    for number in 0..<2 {
      var statistics = PcapngStatistics()
      statistics.interface = UInt32(number)
      statistics.start = 1_700_000_000_000_000_000
      statistics.end = 1_700_000_001_000_000_000
      (statistics.received, statistics.dropped) = (10, 2)
      (statistics.accepted, statistics.delivered) = (6, 4)
      writer.add(statistics)
    }
    return (writer, frames)
  }

  @Test func tsharkReadsEverything() async throws {
    var (writer, frames) = try sample()
    let directory = try TemporaryDirectory()
    let path = directory.path("sample.pcapng")
    try DescriptorSink(path: path).write(writer.take()) { false }
    let text = try await tshark(path)
    for wanted in [
      "Interface name: vm0.eth0", "Interface description: port of switch sw, access VLAN 1", "dropped: no-buffer",
      "Direction: Inbound (0x1)", "Direction: Outbound (0x2)", "Nov 14, 2023 22:13:20.123456794 UTC",
      "Reception type: Unicast (1)", "Packet id: 1099511627776",
    ] {
      #expect(text.contains(wanted), "\(wanted)")
    }
    #expect(!text.contains("Malformed") && !text.contains("Warning"))
    let fields = try await tshark(
      path, ["-T", "fields", "-e", "frame.interface_name", "-e", "frame.len", "-e", "frame.time_epoch"])
    var lines: [String] = []
    for (number, frame) in frames.enumerated() {
      lines.append("vm\(number % 2).eth0\t\(frame.count)\t1700000000.\(123_456_789 + number)")
    }
    #expect(fields.split(separator: "\n").map(String.init) == lines)
    let about = try await output(of: ["capinfos", path])
    for wanted in [
      "Number of packets:   8", "Capture application: apus 1.2.3", "Capture hardware:    test bench",
      "Name = vm0.eth0", "Filter string = udp port 5000", "Time precision = nanoseconds (9)",
      "Speed = 10000000000", "Number of stat entries = 1",
    ] {
      #expect(about.contains(wanted), "\(wanted)")
    }
  }

  @Test(arguments: [1, 3, 4, 64, 1000, 1_000_000]) func theReaderReadsWhatWasWritten(step: Int) throws {
    var (writer, frames) = try sample()
    let contents = try FileContents(writer.take(), step: step)
    #expect(contents.interfaces.map(\.name) == ["vm0.eth0", "vm1.eth0"])
    #expect(contents.interfaces[0].filter == "udp port 5000" && contents.interfaces[0].speed == 10_000_000_000)
    #expect(contents.interfaces[1].address == FrameBuilder.station(2) && contents.interfaces[1].snapLength == 1000)
    #expect(contents.packets.map(\.bytes) == frames)
    for (number, packet) in contents.packets.map(\.packet).enumerated() {
      #expect(packet.timestamp == 1_700_000_000_123_456_789 + UInt64(number))
      #expect(packet.queue == UInt32(number))
      #expect(packet.packetID == UInt64(number / 2) + 1 << 40)
    }
    #expect(contents.packets[5].packet.comment == "dropped: no-buffer" && contents.packets[5].packet.verdict == 130)
    #expect(contents.statistics.map(\.received) == [10, 10] && contents.statistics[1].delivered == 4)
    #expect(contents.statistics[0].start == 1_700_000_000_000_000_000)
    frames.removeAll()
  }

  @Test func blocksAreFoundInAStream() throws {
    var (writer, _) = try sample()
    let all = writer.take()
    for step in [1, 7, 100, 5000] {
      var splitter = PcapngBlockSplitter()
      var whole: [UInt8] = []
      for start in stride(from: 0, to: all.count, by: step) {
        let piece = try splitter.add(Array(all[start..<min(start + step, all.count)]))
        // Each piece can be read on its own with what came before.
        #expect(piece.count % 4 == 0)
        whole += piece
      }
      #expect(whole == all && splitter.pendingCount == 0)
    }
    var splitter = PcapngBlockSplitter()
    #expect(throws: CaptureFileError.badBlock(offset: 0)) { try splitter.add([1, 2, 3, 4, 5, 0, 0, 0]) }
  }
}
