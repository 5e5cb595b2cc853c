import Capture
import Dataplane
import Frames
import GuestKit
import LinuxHost
import Synchronization
import Testing
import TestSupport

/// A data plane with two guests on a wire, and whatever else a test adds.
final class CaptureBench {
  let dataplane: Dataplane
  let directory: TemporaryDirectory
  private(set) var a: VirtualGuest
  private(set) var b: VirtualGuest

  static let addressA = FrameBuilder.station(1)
  static let addressB = FrameBuilder.station(2)

  private init(_ dataplane: Dataplane, _ directory: TemporaryDirectory, _ options: VirtualGuest.Options) async throws {
    self.dataplane = dataplane
    self.directory = directory
    a = try await Self.guest("a.eth0", Self.addressA, dataplane, directory, options)
    b = try await Self.guest("b.eth0", Self.addressB, dataplane, directory, options)
    try await dataplane.connectWire("a.eth0", "b.eth0")
  }

  private static func guest(
    _ name: String, _ address: [UInt8], _ dataplane: Dataplane, _ directory: TemporaryDirectory,
    _ options: VirtualGuest.Options
  ) async throws -> VirtualGuest {
    let path = directory.path("\(name).sock")
    try await dataplane.addPort(
      PortConfiguration(
        name: name, switchName: nil, mode: .wire, address: try #require(MACAddress(bytes: address)),
        backend: .vhostUser(VhostUserSocket(path: path))))
    let guest = try VirtualGuest(options)
    try guest.connect(path: path)
    return guest
  }

  /// Runs `body` with a data plane of its own, which is stopped in the end.
  static func with(ringSize: Int = 64, _ body: (CaptureBench) async throws -> Void) async throws {
    let directory = try TemporaryDirectory()
    let dataplane = try Dataplane(DataplaneConfiguration())
    do {
      var options = VirtualGuest.Options()
      options.ringSize = ringSize
      options.memorySize = 32 << 20
      try await body(try await CaptureBench(dataplane, directory, options))
      await dataplane.stop()
    } catch {
      await dataplane.stop()
      throw error
    }
  }

  func frame(size: Int = 100, seed: Int = 0) -> [UInt8] {
    FrameBuilder(to: Self.addressB, from: Self.addressA).plain(size: size, seed: seed)
  }

  /// Sends frames from `a`, and takes them at `b`.
  func send(_ frames: [[UInt8]], header: NetworkHeader = NetworkHeader()) throws {
    for frame in frames { try a.send(frame, header: header) }
    guard try a.waitForTransmitted() else { throw GuestKitError.timeout("frames are not taken") }
    for _ in frames { _ = try b.receive(timeout: 0) }
  }

  /// A capture of both ports into a file.
  func capture(
    _ path: String, ports: [String] = ["a.eth0", "b.eth0"], _ configure: (inout CaptureSettings) -> Void = { _ in }
  ) async throws -> CaptureSession {
    try await .start(on: dataplane, ports: ports, .with(configure), to: try DescriptorSink(path: path))
  }
}

extension CaptureSettings {
  static func with(_ configure: (inout CaptureSettings) -> Void) -> CaptureSettings {
    var settings = CaptureSettings()
    configure(&settings)
    return settings
  }
}

/// Everything in a capture file.
struct FileContents {
  var interfaces: [PcapngInterface] = []
  var packets: [CaptureFilePacket] = []
  var statistics: [PcapngStatistics] = []

  init(_ bytes: [UInt8], step: Int = .max) throws {
    var reader = CaptureFileReader()
    var offset = 0
    while offset < bytes.count {
      let end = bytes.count - offset > step ? offset + step : bytes.count
      reader.append(Array(bytes[offset..<end]))
      offset = end
      while let item = try reader.next() { add(item) }
    }
    try reader.finish()
  }

  init(path: String) throws { try self.init(read(path)) }

  private mutating func add(_ item: CaptureFileItem) {
    switch item {
    case .interface(let interface): interfaces.append(interface)
    case .packet(let packet): packets.append(packet)
    case .statistics(let block): statistics.append(block)
    }
  }

  /// Frames of one interface.
  func frames(_ interface: UInt32) -> [[UInt8]] { packets.filter { $0.packet.interface == interface }.map(\.bytes) }
}

/// All bytes of a file.
func read(_ path: String) throws -> [UInt8] {
  let file = try Descriptor.openFile(path)
  var bytes: [UInt8] = []
  while true {
    let piece = try file.read(size: 1 << 20)
    if piece.isEmpty { return bytes }
    bytes += piece
  }
}

/// What a command wrote to its standard output; anything on standard error fails the test.
func output(of command: [String], mayComplain: Bool = false) async throws -> String {
  let texts = Mutex<([UInt8], [UInt8])>(([], []))
  var request = SpawnRequest(executable: "/usr/bin/env", arguments: command)
  request.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": "/tmp"]
  let status = try await run(
    request,
    onOutput: { isError, bytes in texts.withLock { if isError { $0.1 += bytes } else { $0.0 += bytes } } },
    timeoutSeconds: 120)
  let (out, errors) = texts.withLock { $0 }
  let complaints = String(decoding: errors, as: UTF8.self).split(separator: "\n")
    .filter { !$0.contains("Running as user") }
  try #require(status == 0, "\(command): \(complaints)")
  if !mayComplain { #expect(complaints.isEmpty, "\(command): \(complaints)") }
  return String(decoding: out, as: UTF8.self)
}

/// What tshark says of a file.
func tshark(_ path: String, _ options: [String] = ["-V"]) async throws -> String {
  try await output(of: ["tshark", "-n", "-r", path] + options)
}
