internal import Dataplane
internal import Frames

/// Turns records of a capture into blocks.
struct RecordWriter {
  private var writer = PcapngWriter()
  private let settings: CaptureSettings
  /// Nanoseconds since 1970 when the capture began.
  private let start: UInt64
  private var filterText: String
  private(set) var filterNumber: UInt16 = 0
  /// To be said with the next frame.
  private var remark: String?
  /// Names to be written as soon as an interface was described, and all that are no news any more.
  private var newNames: [PcapngName] = []
  private var knownNames: Set<PcapngName> = []
  /// Interfaces described so far.
  private var interfaces: [CaptureInterface] = []
  private var delivered: [UInt64] = []
  /// Counts of the last statistics.
  private var told: [CaptureCounts] = []
  /// Interfaces whose last statistics were written.
  private var finished: Set<UInt32> = []
  private(set) var packets: UInt64 = 0

  var interfaceCount: Int { interfaces.count }

  init(_ settings: CaptureSettings, start: UInt64) {
    self.settings = settings
    self.start = start
    filterText = settings.filter?.text ?? ""
    writer.add(settings.section)
    add(names: settings.names)
  }

  var count: Int { writer.count }

  mutating func take() -> [UInt8] { writer.take() }

  /// Says with the next frame that the filter is another.
  mutating func noteFilter(_ text: String, number: UInt16) {
    filterNumber = number
    filterText = text
    remark = text.isEmpty ? "from here on without a filter" : "from here on with the filter \(text)"
  }

  /// Writes names, those that were written already left out; they wait for the first interface.
  mutating func add(names: [PcapngName]) {
    newNames += names.filter { knownNames.insert($0).inserted }
    guard !interfaces.isEmpty, !newNames.isEmpty else { return }
    writer.add(names: newNames)
    newNames = []
  }

  /// Describes interfaces that were not yet.
  ///
  /// None says how much of frames is kept: tools that know one such length for a file (tcpdump) would refuse one that was
  /// merged of several.
  mutating func add(_ all: [CaptureInterface]) {
    for interface in all.dropFirst(interfaces.count) {
      var block = PcapngInterface()
      block.name = interface.name
      block.description = Self.describe(interface)
      block.address = interface.address.allSatisfy({ $0 == 0 }) ? [] : interface.address
      block.filter = filterText
      block.hardware = "apus \(interface.kind.rawValue) port"
      writer.add(block)
      interfaces.append(interface)
      delivered.append(0)
      told.append(CaptureCounts())
    }
    add(names: [])
  }

  /// As `port of switch sw1, access VLAN 10`.
  static func describe(_ interface: CaptureInterface) -> String {
    let place = interface.switchName.map { "port of switch \($0)" } ?? "end of a wire"
    switch interface.mode {
    case .access(let vlan): return "\(place), access VLAN \(vlan)"
    case .trunk(_, let native): return "\(place), trunk" + (native.map { ", native VLAN \($0)" } ?? "")
    case .transparent: return "\(place), VLAN-unaware"
    case .wire: return place
    }
  }

  /// Writes a frame, or the segments that it is to be cut into.
  mutating func add(_ record: CaptureRecord, _ bytes: inout [UInt8]) {
    guard record.interface < interfaces.count else { return }
    delivered[Int(record.interface)] += 1
    var record = record
    let isWhole = bytes.count == Int(record.originalLength)
    if settings.segments, isWhole, record.segmentationType != 0,
      let segments = Segmentation.segments(
        of: bytes, type: record.segmentationType, size: Int(record.segmentSize))
    {
      record.needsChecksum = false
      record.segmentationType = 0
      for segment in segments {
        record.originalLength = UInt32(segment.count)
        put(record, segment)
      }
      return
    }
    // The sum needs every byte: a frame that was cut keeps its partial one.
    if record.needsChecksum, !settings.isRaw, isWhole, record.segmentationType == 0,
      PartialChecksum.complete(&bytes, start: Int(record.checksumStart), offset: Int(record.checksumOffset))
    {
      record.needsChecksum = false
    }
    put(record, bytes)
  }

  private mutating func put(_ record: CaptureRecord, _ bytes: [UInt8]) {
    var packet = PcapngPacket()
    packet.interface = record.interface
    packet.timestamp = record.timestamp
    packet.originalLength = Int(record.originalLength)
    var flags = Self.flags(isInbound: record.direction == .fromNode, bytes)
    if record.needsChecksum { flags |= Pcapng.Flags.checksumNotReady }
    if record.segmentationType != 0 { flags |= Pcapng.Flags.segmentationOffloaded }
    packet.flags = flags
    packet.packetID = record.packetID
    packet.queue = UInt32(record.queue)
    if let reason = record.drop.name {
      if settings.writesVerdicts { packet.verdict = record.drop.rawValue }
      packet.comment = "dropped: \(reason)"
    }
    if let remark {
      packet.comment = packet.comment.map { "\($0); \(remark)" } ?? remark
      self.remark = nil
    }
    writer.add(packet, bytes)
    packets += 1
  }

  /// Direction and reception type of a frame.
  static func flags(isInbound: Bool, _ bytes: [UInt8]) -> UInt32 {
    var flags = isInbound ? Pcapng.Flags.inbound : Pcapng.Flags.outbound
    if bytes.count >= 6 {
      if bytes[..<6].allSatisfy({ $0 == 0xFF }) {
        flags |= Pcapng.Flags.broadcast
      } else {
        flags |= bytes[0] & 1 != 0 ? Pcapng.Flags.multicast : Pcapng.Flags.unicast
      }
    }
    return flags
  }

  /// Writes the counts of every interface that has others than the last time; those of one that is over once more.
  mutating func addStatistics(now: UInt64, isLast: Bool) {
    for (index, interface) in interfaces.enumerated() where !finished.contains(interface.id) {
      let isEnded = interface.isEnded
      let counts = interface.counts
      // The counts of a port that has gone stay; some of its frames may still be on their way here.
      let isOver = isEnded && delivered[index] == counts.captured
      if isOver { finished.insert(interface.id) }
      guard isOver || isLast || counts != told[index] else { continue }
      told[index] = counts
      var block = PcapngStatistics()
      block.interface = interface.id
      block.start = start
      block.end = now
      block.received = counts.received
      block.dropped = counts.dropped
      block.accepted = counts.received &- counts.filtered
      block.delivered = delivered[index]
      writer.add(block)
    }
  }
}
