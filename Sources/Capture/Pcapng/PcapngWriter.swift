/// What a file says of itself.
package struct PcapngSection: Sendable, Equatable {
  package var hardware = ""
  package var system = ""
  package var application = "apus"
  package var comment = ""
  package init() {}
}

/// What stands for an address, for those who read the file.
package struct PcapngName: Sendable, Hashable {
  /// 4 bytes of IPv4, 16 of IPv6 or the 6 of a station, in the order of the wire.
  ///
  /// Any other count is left out.
  package var address: [UInt8]
  package var name: String
  package init(address: [UInt8], name: String) {
    self.address = address
    self.name = name
  }
}

/// What a file says of an interface; times are nanoseconds, frames are Ethernet.
package struct PcapngInterface: Sendable, Equatable {
  package var name = ""
  package var description = ""
  /// Six bytes; empty = not said.
  package var address: [UInt8] = []
  /// The capture filter as it was written; empty = none.
  package var filter = ""
  /// Bytes of a frame that are kept at most; 0 = all.
  package var snapLength = 0
  /// Bits per second; nil = not known.
  package var speed: UInt64?
  package var hardware = ""
  package init() {}
}

/// What a file says of a frame.
package struct PcapngPacket: Sendable, Equatable {
  package var interface: UInt32 = 0
  /// Nanoseconds since 1970.
  package var timestamp: UInt64 = 0
  /// Bytes of the frame before it was cut.
  package var originalLength = 0
  /// See `Pcapng.Flags`; nil = not said.
  package var flags: UInt32?
  package var packetID: UInt64?
  package var queue: UInt32?
  /// A drop code of the data plane, written as a hardware's verdict: Wireshark 4.0 makes a damaged file of one that has it.
  package var verdict: UInt8?
  package var comment: String?
  package init() {}
}

/// Counts of one interface from its first moment to `end`, in nanoseconds since 1970.
package struct PcapngStatistics: Sendable, Equatable {
  package var interface: UInt32 = 0
  package var start: UInt64 = 0
  package var end: UInt64 = 0
  package var received: UInt64 = 0
  package var dropped: UInt64 = 0
  package var accepted: UInt64 = 0
  package var delivered: UInt64 = 0
  package init() {}
}

/// Makes blocks of a pcapng file; where they go is the caller's matter.
package struct PcapngWriter: Sendable {
  private var output = PcapngBytes()

  package init() {}

  /// Bytes of the blocks made and not taken.
  package var count: Int { output.count }

  /// Hands over the blocks made so far, all of them whole.
  package mutating func take() -> [UInt8] { output.take() }

  /// The head of a file.
  package mutating func add(_ section: PcapngSection) {
    output.begin(Pcapng.Block.section)
    output.add(Pcapng.byteOrderMagic)
    output.add(UInt16(1))
    output.add(UInt16(0))
    // Of unknown length.
    output.add(UInt64.max)
    for (code, text) in [
      (Pcapng.Option.sectionHardware, section.hardware), (Pcapng.Option.sectionSystem, section.system),
      (Pcapng.Option.sectionApplication, section.application), (Pcapng.Option.comment, section.comment),
    ] where !text.isEmpty {
      output.addOption(code, text)
    }
    output.endOptions()
    output.finish()
  }

  /// The next interface: the first one is number 0.
  package mutating func add(_ interface: PcapngInterface) {
    output.begin(Pcapng.Block.interface)
    output.add(Pcapng.ethernet)
    output.add(UInt16(0))
    output.add(UInt32(clamping: interface.snapLength))
    if !interface.name.isEmpty { output.addOption(Pcapng.Option.interfaceName, interface.name) }
    if !interface.description.isEmpty {
      output.addOption(Pcapng.Option.interfaceDescription, interface.description)
    }
    if interface.address.count == 6 { output.addOption(Pcapng.Option.interfaceAddress, interface.address) }
    if let speed = interface.speed { output.addOption(Pcapng.Option.interfaceSpeed, speed) }
    // Ten to the power of minus nine.
    output.addOption(Pcapng.Option.interfaceResolution, CollectionOfOne(UInt8(9)))
    // Code 0: in libpcap's language.
    if !interface.filter.isEmpty { output.addOption(Pcapng.Option.interfaceFilter, [0] + Array(interface.filter.utf8)) }
    if !interface.hardware.isEmpty { output.addOption(Pcapng.Option.interfaceHardware, interface.hardware) }
    output.endOptions()
    output.finish()
  }

  /// A frame.
  package mutating func add(_ packet: PcapngPacket, _ bytes: [UInt8]) {
    output.begin(Pcapng.Block.enhancedPacket)
    output.add(packet.interface)
    output.addTime(packet.timestamp)
    output.add(UInt32(clamping: bytes.count))
    output.add(UInt32(clamping: packet.originalLength))
    output.addPadded(bytes)
    if let flags = packet.flags { output.addOption(Pcapng.Option.packetFlags, flags) }
    if let number = packet.packetID { output.addOption(Pcapng.Option.packetID, number) }
    if let queue = packet.queue { output.addOption(Pcapng.Option.packetQueue, queue) }
    // Type 0: a hardware's, in a form of its own.
    if let verdict = packet.verdict { output.addOption(Pcapng.Option.packetVerdict, [0, verdict]) }
    if let comment = packet.comment { output.addOption(Pcapng.Option.comment, comment) }
    output.endOptions()
    output.finish()
  }

  /// Names of stations and hosts.
  ///
  /// Behind the first interfaces: Wireshark takes a file's link type from those directly behind the section's head, and
  /// can convert no file without one.
  package mutating func add(names: [PcapngName]) {
    guard !names.isEmpty else { return }
    output.begin(Pcapng.Block.names)
    for name in names {
      guard let record = Pcapng.nameRecord(addressSize: name.address.count) else { continue }
      let value = name.address + Array(name.name.utf8).filter { $0 != 0 }.prefix(1024) + [0]
      output.add(record)
      output.add(UInt16(clamping: value.count))
      output.addPadded(value)
    }
    // nrb_record_end, and no options.
    output.add(UInt32(0))
    output.finish()
  }

  /// Counts of an interface.
  package mutating func add(_ statistics: PcapngStatistics) {
    output.begin(Pcapng.Block.statistics)
    output.add(statistics.interface)
    output.addTime(statistics.end)
    output.addTimeOption(Pcapng.Option.statisticsStart, statistics.start)
    output.addTimeOption(Pcapng.Option.statisticsEnd, statistics.end)
    output.addOption(Pcapng.Option.statisticsReceived, statistics.received)
    output.addOption(Pcapng.Option.statisticsDropped, statistics.dropped)
    output.addOption(Pcapng.Option.statisticsAccepted, statistics.accepted)
    output.addOption(Pcapng.Option.statisticsSystemDropped, UInt64(0))
    output.addOption(Pcapng.Option.statisticsDelivered, statistics.delivered)
    output.endOptions()
    output.finish()
  }
}
