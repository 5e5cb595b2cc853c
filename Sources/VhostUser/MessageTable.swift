internal import LinuxHost

/// Which sizes of payload a message may have, in bytes.
enum PayloadSize: Equatable, Sendable {
  case exactly(Int)
  /// SET_MEM_TABLE: 8 bytes and 32 for each of 1 to 8 regions; QEMU and virtio-user both send just the regions used.
  case memoryTable
  /// GET_CONFIG and SET_CONFIG: 12 bytes and up to 256 of configuration.
  case configuration
  /// GET_INFLIGHT_FD and SET_INFLIGHT_FD: two numbers of 64 bits and two of 16; with the padding of C, as QEMU sends it,
  /// 24 bytes.
  case inflight

  func accepts(_ size: Int) -> Bool {
    switch self {
    case .exactly(let expected): size == expected
    case .memoryTable: (1...Session.maximumTableRegions).contains { size == 8 + 32 * $0 }
    case .configuration: (12...(12 + Session.maximumConfigurationSize)).contains(size)
    case .inflight: size == 20 || size == 24
    }
  }

  var description: String {
    switch self {
    case .exactly(let expected): "\(expected)"
    case .memoryTable: "8 and 32 for each of 1 to \(Session.maximumTableRegions) regions"
    case .configuration: "12 to \(12 + Session.maximumConfigurationSize)"
    case .inflight: "20 or 24"
    }
  }
}

/// One message as it arrived, its size and number of descriptors checked against its row.
struct Message {
  var payload: WireReader
  var descriptors: [Descriptor]
}

/// What is known of a message before its method runs.
struct MessageRow: Sendable {
  let request: Request
  let size: PayloadSize
  /// Fewest and most descriptors that may come with it.
  let descriptors: ClosedRange<Int>
  /// It is answered by itself, so never acknowledged as well.
  let hasOwnReply: Bool
  /// The protocol feature that must be offered; 0 = none.
  let feature: UInt64
  let method: @Sendable (Session) -> (Message) throws(Refusal) -> Outcome

  init(
    _ request: Request, _ size: PayloadSize, descriptors: ClosedRange<Int> = 0...0, replies: Bool = false,
    feature: UInt64 = 0, _ method: @escaping @Sendable (Session) -> (Message) throws(Refusal) -> Outcome
  ) {
    self.request = request
    self.size = size
    self.descriptors = descriptors
    self.hasOwnReply = replies
    self.feature = feature
    self.method = method
  }
}

/// The messages that are understood: a row and a method of `Session` each; one that asks the owner something also has a
/// case of `Step` and a method of `RingOwner`.
///
/// A row's `feature` is compared with what is offered, not with what was acknowledged: QEMU 7.2 sends SET_VRING_ENABLE
/// before any SET_FEATURES.
struct MessageTable: Sendable {
  /// By request number.
  private let rows: [MessageRow?]

  /// - Parameter all: at most one row a request.
  init(_ all: [MessageRow]) {
    var rows = [MessageRow?](repeating: nil, count: Request.allCases.count + 1)
    for row in all {
      rows[Int(row.request.rawValue)] = row
    }
    self.rows = rows
  }

  func row(_ number: UInt32) -> MessageRow? {
    guard let index = Int(exactly: number), rows.indices.contains(index) else { return nil }
    return rows[index]
  }

  static let standard = MessageTable(all)

  private static let one = 1...1
  private static let maybe = 0...1

  static let all: [MessageRow] = [
    MessageRow(.getFeatures, .exactly(0), replies: true, Session.getFeatures),
    MessageRow(.setFeatures, .exactly(8), Session.setFeatures),
    MessageRow(.setOwner, .exactly(0), Session.setOwner),
    MessageRow(.resetOwner, .exactly(0), Session.resetOwner),
    MessageRow(
      .setMemoryTable, .memoryTable, descriptors: 1...Session.maximumTableRegions, Session.setMemoryTable),
    MessageRow(
      .setLogBase, .exactly(16), descriptors: one, replies: true, feature: ProtocolFeature.logShared,
      Session.setLogBase),
    MessageRow(.setLogDescriptor, .exactly(0), descriptors: one, Session.setLogDescriptor),
    MessageRow(.setRingSize, .exactly(8), Session.setRingSize),
    MessageRow(.setRingAddress, .exactly(40), Session.setRingAddress),
    MessageRow(.setRingBase, .exactly(8), Session.setRingBase),
    MessageRow(.getRingBase, .exactly(8), replies: true, Session.getRingBase),
    MessageRow(.setRingKick, .exactly(8), descriptors: maybe, Session.setRingKick),
    MessageRow(.setRingCall, .exactly(8), descriptors: maybe, Session.setRingCall),
    MessageRow(.setRingError, .exactly(8), descriptors: maybe, Session.setRingError),
    MessageRow(.getProtocolFeatures, .exactly(0), replies: true, Session.getProtocolFeatures),
    MessageRow(.setProtocolFeatures, .exactly(8), Session.setProtocolFeatures),
    MessageRow(
      .getQueueCount, .exactly(0), replies: true, feature: ProtocolFeature.multiqueue, Session.getQueueCount),
    MessageRow(.setRingEnable, .exactly(8), Session.setRingEnable),
    MessageRow(.sendRARP, .exactly(8), feature: ProtocolFeature.rarp, Session.sendRARP),
    MessageRow(.setMTU, .exactly(8), feature: ProtocolFeature.mtu, Session.setMTU),
    MessageRow(
      .setBackendChannel, .exactly(0), descriptors: one, feature: ProtocolFeature.backendRequests,
      Session.setBackendChannel),
    MessageRow(
      .getConfiguration, .configuration, replies: true, feature: ProtocolFeature.configuration,
      Session.getConfiguration),
    MessageRow(.setConfiguration, .configuration, feature: ProtocolFeature.configuration, Session.setConfiguration),
    MessageRow(
      .getInflightDescriptor, .inflight, replies: true, feature: ProtocolFeature.inflightShared, Session.getInflight),
    MessageRow(
      .setInflightDescriptor, .inflight, descriptors: one, feature: ProtocolFeature.inflightShared,
      Session.setInflight),
    MessageRow(.resetDevice, .exactly(0), feature: ProtocolFeature.resetDevice, Session.resetDevice),
    MessageRow(
      .getMaximumMemorySlots, .exactly(0), replies: true, feature: ProtocolFeature.memorySlots,
      Session.getMaximumMemorySlots),
    MessageRow(
      .addMemoryRegion, .exactly(40), descriptors: one, feature: ProtocolFeature.memorySlots,
      Session.addMemoryRegion),
    // "no file descriptors SHOULD be passed", yet back-ends "MUST tolerate" one: it is closed by being dropped.
    MessageRow(
      .removeMemoryRegion, .exactly(40), descriptors: maybe, feature: ProtocolFeature.memorySlots,
      Session.removeMemoryRegion),
    MessageRow(.setStatus, .exactly(8), feature: ProtocolFeature.status, Session.setStatus),
    MessageRow(.getStatus, .exactly(0), replies: true, feature: ProtocolFeature.status, Session.getStatus),
  ]
}
