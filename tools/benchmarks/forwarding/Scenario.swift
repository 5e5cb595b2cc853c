import Dataplane
import Frames
import GuestKit
import VhostUser

/// The ways of a frame that have a figure of their own.
///
/// A new one is a case here, with what it lays, and a line of `tools/benchmarks/instructions.txt` with its budget.
enum Scenario: String, CaseIterable {
  /// Two access ports of one VLAN, the far station known.
  case access
  /// Two trunks, frames in their native VLAN.
  case trunk
  /// Two ends of a wire.
  case wire
  /// From an access port to a trunk: a tag is put in.
  case tagInsert = "tag-insert"
  /// From a trunk to an access port: a tag is taken out.
  case tagRemove = "tag-remove"
  /// To a station that nobody knows; one other port.
  case unknown
  /// Broadcasts to eight ports.
  case flood
  /// Through a patch to a second switch.
  case patch
  /// A partial UDP checksum, for a guest that takes none.
  case checksum
  /// Each frame is held for a while.
  case delay
  /// From a TAP to a guest, without what the kernel does.
  case tapIn = "tap-in"
  /// From a guest to a TAP, without what the kernel does.
  case tapOut = "tap-out"
  /// From a stream's peer to a guest, and back, without what the kernel does.
  case streamIn = "stream-in"
  case streamOut = "stream-out"
  /// Large TCP frames between two guests that take them.
  case tso
  /// Large TCP frames for a guest that takes none: they are cut on their way.
  case tsoCut = "tso-cut"
  /// TCP between two access ports without rules, while a third one on the worker has some.
  case rulesElsewhere = "rules-elsewhere"
  /// TCP to a port with 16 rules, of which the first, or the last, lets it pass.
  case rulesFirst = "rules-first"
  case rulesLast = "rules-last"
  /// TCP of a flow that a list with state has let through.
  case rulesState = "rules-state"

  /// VLAN of frames with tags.
  private static let vlan: UInt16 = 10

  /// Puts the ports of a run in place, with what is behind them.
  func lay(_ options: Options) throws -> Field {
    var field = try Field(options)
    let (access, trunk) = (PortMode.access(vlan: 1), PortMode.trunk(allowed: .all, native: 1))
    let tag = FrameBuilder.Tag(Self.vlan)
    switch self {
    case .access: try field.addStations(access, access)
    case .trunk: try field.addStations(trunk, trunk)
    case .wire:
      try field.addStations(.wire, .wire)
      field.worker.connect(field.ports[0], field.ports[1])
    case .tagInsert:
      try field.addStations(.access(vlan: Self.vlan), trunk)
      field.replyTags = [tag]
    case .tagRemove:
      try field.addStations(trunk, .access(vlan: Self.vlan))
      field.tags = [tag]
    case .unknown:
      try field.addStations(access, access)
      field.isKnown = false
    case .flood:
      try field.addStations(access, access)
      for _ in 1..<8 { try field.addStation(access, field.receiving) }
      field.isKnown = false
      field.destination = FrameBuilder.broadcast
    case .patch:
      try field.addStation(access, field.sending)
      let far = try field.worker.addSwitch()
      field.worker.addPatch(to: far)
      try field.addStation(access, field.receiving, on: far)
    case .checksum:
      field.sending.features |= VirtioFeature.checksum
      try field.addStations(access, access)
      field.payload = .partialUDP
    case .delay:
      try field.addStations(access, access)
      var impairment = Impairment()
      impairment.delay = 1_000_000
      field.worker.impair(port: field.ports[0], fromNode: impairment, toNode: nil, seed: 1)
      field.nanosecondsATurn = impairment.delay
    case .tapIn:
      try field.addInterface(access)
      try field.addStation(access, field.receiving)
    case .tapOut:
      try field.addStation(access, field.sending)
      try field.addInterface(access)
    case .streamIn:
      try field.addStream(access)
      try field.addStation(access, field.receiving)
    case .streamOut:
      try field.addStation(access, field.sending)
      try field.addStream(access)
    case .rulesElsewhere, .rulesFirst, .rulesLast, .rulesState: try layRules(&field, access)
    case .tso: try layLarge(&field, access, offloads: Self.largeOffloads)
    case .tsoCut: try layLarge(&field, access, offloads: VirtioFeature.guestChecksum)
    }
    return field
  }

  private func layRules(_ field: inout Field, _ mode: PortMode) throws {
    try field.addStations(mode, mode)
    field.payload = .tcp
    // Ports of others, and that of the frames (`FrameBuilder`).
    var ports = [UInt16](1...15)
    ports.insert(5000, at: self == .rulesLast ? 15 : 0)
    let list = AccessList(
      name: "list", isStateful: self == .rulesState, toNode: ports.map { AccessRule(.allow, .tcp, ports: [$0...$0]) })
    // Of another VLAN, so that nothing comes to it.
    let port = self == .rulesElsewhere ? field.worker.addSink(.access(vlan: Self.vlan)) : field.ports[1]
    field.worker.setRules(port: port, PortRules(access: list))
  }

  /// What a guest needs that sends large frames, and takes them: both checksums, VIRTIO_NET_F_GUEST_TSO4 and _HOST_TSO4
  /// (VIRTIO 1.2 section 5.1.3).
  private static let largeOffloads = VirtioFeature.checksum | VirtioFeature.guestChecksum | 1 << 7 | 1 << 11

  /// - Parameter offloads: of the receiver.
  private func layLarge(_ field: inout Field, _ mode: PortMode, offloads: UInt64) throws {
    field.sending.features |= Self.largeOffloads
    field.receiving.features |= offloads
    if self == .tsoCut { field.cut(at: Self.segmentSize) }
    try field.addStations(mode, mode)
    field.payload = .largeTCP
  }

  /// Payload of each frame that a large one is cut into.
  static let segmentSize = 1448
}
