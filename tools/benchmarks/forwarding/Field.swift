import Dataplane
import Frames
import GuestKit
import LinuxHost
import VhostUser

/// A run on one thread: a worker, who sends, who receives, and what is sent.
struct Field: ~Copyable {
  /// What a frame carries.
  enum Payload {
    case plain
    /// UDP over IPv4 whose checksum is left to the receiver.
    case partialUDP
    /// TCP over IPv4 with its checksum left to the receiver, to be cut at `Scenario.segmentSize`.
    case largeTCP
    /// TCP over IPv4.
    case tcp
  }

  var worker: DrivenWorker
  /// Those that are worked with; the first one sends.
  private(set) var ports: [Int] = []
  private var sides: [any FarSide] = []
  private(set) var hasInterface = false

  /// Shapes of stations that are added from now on.
  var sending: Station.Shape
  var receiving: Station.Shape

  var payload = Payload.plain
  /// Of the frames that are sent; their bytes are among those of the frame.
  var tags: [FrameBuilder.Tag] = []
  /// Of what the receiver says so that it is known.
  var replyTags: [FrameBuilder.Tag] = []
  var destination = FrameBuilder.station(2)
  /// The receiver's address is known before.
  var isKnown = true
  /// Frames that come to each receiver for one that is sent.
  private(set) var pieces = 1
  /// By how much the clock of impairments goes on each turn.
  var nanosecondsATurn: UInt64 = 0

  private let size: Int
  private let burst: Int
  private let isLogged: Bool
  private let isKept: Bool
  /// Kept until the end.
  private var logs: [DirtyPages] = []

  init(_ options: Options) throws {
    worker = try DrivenWorker(recorderSize: options.recorder == "on" ? 8 << 20 : 0)
    isLogged = options.isLogged
    isKept = options.isKept
    size = options.size
    let whole = size + NetworkHeader.size
    sending = Station.Shape()
    receiving = Station.Shape()
    sending.transmitSize = whole
    sending.receiveSize = max(whole, 1536)
    sending.chain = options.chain
    sending.format = options.ring
    receiving.format = options.ring
    if options.chain == .indirect { sending.features |= VirtioFeature.indirectDescriptors }
    sending.distinct = options.distinct
    // It says one short frame, if any.
    receiving.transmitSize = min(whole, 1536)
    receiving.receiveSize = options.buffers == 0 ? max(whole + 4, 1536) : options.buffers
    receiving.receiveCount = (whole + receiving.receiveSize - 1) / receiving.receiveSize
    receiving.distinct = options.distinct
    receiving.receiveRings = options.queues
    burst = options.burst
    checkRoom()
  }

  // Ports.

  /// Two guests on the first switch.
  mutating func addStations(_ first: PortMode, _ second: PortMode) throws {
    try addStation(first, sending)
    try addStation(second, receiving)
  }

  mutating func addStation(_ mode: PortMode, _ shape: Station.Shape, on switchIndex: Int = 0) throws {
    let station = try Station(shape)
    let port = worker.addPort(mode, on: switchIndex)
    try worker.start(
      port: port, memory: station.regions, rings: station.starts, inflight: isKept ? Self.region(station) : nil)
    if isLogged {
      let log = try DirtyPages(of: station.memory)
      try worker.log(port: port, in: LogRequest(size: UInt64(log.size), offset: 0, descriptor: log.descriptor))
      logs.append(log)
    }
    ports.append(port)
    sides.append(station)
  }

  /// What a front-end would keep for the back-end that follows.
  private static func region(_ station: Station) throws -> InflightRegion {
    let (count, size) = (1 + (station.starts.map(\.index).max() ?? 0), Station.ringSize)
    let isPacked = station.starts.contains(where: \.isPacked)
    let bytes = UInt64(count * InflightLayout(isPacked: isPacked).stride(entries: size))
    return InflightRegion(
      size: bytes, fileOffset: 0, ringCount: count, ringSize: size,
      descriptor: try Descriptor.sealedMemoryFile(size: bytes))
  }

  mutating func addInterface(_ mode: PortMode) throws {
    let (port, far) = try worker.addTAP(mode)
    ports.append(port)
    sides.append(Interface(far))
    hasInterface = true
  }

  mutating func addStream(_ mode: PortMode) throws {
    let (port, far) = try worker.addStream(mode)
    ports.append(port)
    sides.append(StreamSide(far))
    hasInterface = true
  }

  // Frames.

  /// Has the receivers get each frame in pieces of TCP over IPv4, a buffer each.
  mutating func cut(at segmentSize: Int) {
    let headers = 14 + 40
    pieces = (size - headers + segmentSize - 1) / segmentSize
    receiving.receiveSize = headers + segmentSize + NetworkHeader.size + 4
    receiving.receiveCount = pieces
    checkRoom()
  }

  private func checkRoom() {
    guard receiving.receiveCount * burst <= Station.ringSize else {
      Options.fail("\(receiving.receiveCount) buffers a frame and \(burst) frames do not fit into a ring")
    }
  }

  /// Sets what is sent, and has the receiver speak once if it is to be known.
  mutating func begin() {
    let here = FrameBuilder.station(1)
    if isKnown {
      let reply = FrameBuilder(to: here, from: FrameBuilder.station(2), tags: replyTags).plain(size: 60)
      sides[1].prepare(PreparedFrame(bytes: reply))
      sides[0].take(64)
      sides[1].send(1)
      _ = breathe()
    }
    sides[0].prepare(frame(FrameBuilder(to: destination, from: here, tags: tags)))
  }

  private func frame(_ builder: FrameBuilder) -> PreparedFrame {
    let (from, to): ([UInt8], [UInt8]) = ([10, 0, 0, 1], [10, 0, 0, 2])
    switch payload {
    case .plain: return PreparedFrame(bytes: builder.plain(size: size))
    case .partialUDP:
      let bytes = [UInt8](repeating: 7, count: size - builder.headerSize - 28)
      return PreparedFrame(builder.udp(from: from, to: to, payload: bytes, checksum: .partial))
    case .largeTCP:
      let bytes = [UInt8](repeating: 7, count: size - builder.headerSize - 40)
      var built = PreparedFrame(builder.tcp(from: from, to: to, payload: bytes, checksum: .partial))
      built.header.segmentationType = 1
      built.header.headerSize = UInt16(builder.headerSize + 40)
      built.header.segmentSize = UInt16(Scenario.segmentSize)
      return built
    case .tcp:
      let bytes = [UInt8](repeating: 7, count: size - builder.headerSize - 40)
      return PreparedFrame(builder.tcp(from: from, to: to, payload: bytes))
    }
  }

  /// Sends so many frames, and makes room for them at every receiver.
  mutating func send(_ count: Int) {
    sides[0].send(count)
    for side in sides.dropFirst() { side.take(count) }
    if nanosecondsATurn > 0 { worker.now += nanosecondsATurn }
  }

  /// One breath; returns the frames that were taken.
  mutating func breathe() -> Int {
    if hasInterface { worker.takeEvents() }
    return worker.breathe()
  }

  /// Frames that came to all receivers together, and what was dropped anywhere.
  func result() -> (arrived: Int, drops: [String: UInt64]) {
    var (arrived, drops): (Int, [String: UInt64]) = (0, [:])
    for (position, port) in ports.enumerated() {
      let counts = worker.counts(port: port)
      if position > 0 { arrived += Int(counts.transmitted) }
      drops.merge(counts.drops) { $0 + $1 }
    }
    return (arrived, drops)
  }
}
