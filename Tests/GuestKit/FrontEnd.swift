import LinuxHost
import VhostUser

/// The front-end's side of vhost-user: one call a message, blocking with a timeout, and raw bytes for everything else.
///
/// Once REPLY_ACK is acknowledged and `asksForReply` is set, messages without a reply of their own carry need_reply and
/// the call throws `nacked` if the back-end says no.
package final class FrontEnd {
  package let transport: any Transport
  /// Milliseconds to wait for a reply.
  package var timeout = 5000
  /// Set need_reply wherever REPLY_ACK allows it.
  package var asksForReply = true
  /// Set need_reply also on messages that have a reply of their own, as the library of Cloud Hypervisor does.
  package var marksEveryRequest = false
  /// The latest answer of GET_QUEUE_NUM.
  package private(set) var queueCount: UInt64?
  /// Acknowledged by `setFeatures`.
  package private(set) var features: UInt64 = 0
  /// Acknowledged by `setProtocolFeatures`.
  package private(set) var protocolFeatures: UInt64 = 0

  /// What is kept for the back-end that follows.
  package var inflight: InflightKeeper?

  package init(_ transport: any Transport) {
    self.transport = transport
  }

  /// Connects to a listening back-end.
  package convenience init(path: String, timeoutMilliseconds: Int = 5000) throws {
    self.init(try SocketTransport(path: path, timeoutMilliseconds: timeoutMilliseconds))
  }

  // MARK: - Any message

  /// Sends any bytes with any descriptors.
  package func sendRaw(_ bytes: [UInt8], descriptors: [Descriptor] = []) throws {
    try transport.send(bytes, descriptors: descriptors)
  }

  /// Sends one message; `size` overrides the header's size of payload.
  package func send(
    _ request: UInt32, payload: [UInt8] = [], descriptors: [Descriptor] = [], flags: UInt32 = 1, size: UInt32? = nil
  ) throws {
    let header = MessageHeader(request: request, flags: flags, size: size ?? UInt32(payload.count))
    try sendRaw(header.bytes + payload, descriptors: descriptors)
  }

  /// Reads the reply to `request`; throws `badReply` unless its flags are exactly 0x5, as QEMU does.
  package func readReply(_ request: UInt32) throws -> [UInt8] {
    let deadline = Deadline(milliseconds: timeout)
    let header = MessageHeader(try transport.receive(MessageHeader.size, until: deadline))
    guard header.request == request, header.flags == 5, header.size <= 4096 else {
      throw GuestKitError.badReply(
        "request \(header.request) flags \(header.flags) size \(header.size), expected request \(request) flags 5")
    }
    return header.size == 0 ? [] : try transport.receive(Int(header.size), until: deadline)
  }

  /// Sends a message that has a reply of its own, and reads it.
  package func ask(
    _ request: Request, payload: [UInt8] = [], descriptors: [Descriptor] = []
  ) throws -> [UInt8] {
    let isMarked = marksEveryRequest && protocolFeatures & ProtocolFeature.replyAcknowledge != 0
    try send(
      request.rawValue, payload: payload, descriptors: descriptors,
      flags: isMarked ? 1 | MessageHeader.needReplyFlag : 1)
    return try readReply(request.rawValue)
  }

  /// Sends a message that has no reply of its own; reads the acknowledgement if one may be asked for.
  package func tell(_ request: Request, payload: [UInt8] = [], descriptors: [Descriptor] = []) throws {
    let isAcknowledged = asksForReply && protocolFeatures & ProtocolFeature.replyAcknowledge != 0
    try send(
      request.rawValue, payload: payload, descriptors: descriptors,
      flags: isAcknowledged ? 1 | MessageHeader.needReplyFlag : 1)
    guard isAcknowledged else { return }
    let value = try readNumber(readReply(request.rawValue))
    guard value == 0 else { throw GuestKitError.nacked(request: request.rawValue, value: value) }
  }

  /// Waits until the back-end has worked off all that was sent, by a request that has a reply.
  package func barrier() throws {
    _ = try getFeatures()
  }

  private func readNumber(_ payload: [UInt8]) throws -> UInt64 {
    guard payload.count == 8 else { throw GuestKitError.badReply("\(payload.count) bytes, expected 8") }
    return WireReader(payload).u64(0)
  }

  private func askNumber(_ request: Request) throws -> UInt64 {
    try readNumber(ask(request))
  }

  // MARK: - Device

  package func getFeatures() throws -> UInt64 { try askNumber(.getFeatures) }

  package func setFeatures(_ features: UInt64) throws {
    try tell(.setFeatures, payload: words64(features))
    self.features = features
  }

  package func getProtocolFeatures() throws -> UInt64 { try askNumber(.getProtocolFeatures) }

  /// Sent without need_reply, as real front-ends do: it is not known yet whether there are acknowledgements.
  package func setProtocolFeatures(_ features: UInt64) throws {
    try send(Request.setProtocolFeatures.rawValue, payload: words64(features))
    protocolFeatures = features
  }

  package func setOwner() throws { try tell(.setOwner) }
  package func resetOwner() throws { try tell(.resetOwner) }
  package func resetDevice() throws { try tell(.resetDevice) }
  package func getQueueCount() throws -> UInt64 {
    let count = try askNumber(.getQueueCount)
    queueCount = count
    return count
  }
  package func getStatus() throws -> UInt64 { try askNumber(.getStatus) }
  package func setStatus(_ status: UInt64) throws { try tell(.setStatus, payload: words64(status)) }
  package func setMTU(_ mtu: UInt64) throws { try tell(.setMTU, payload: words64(mtu)) }

  /// Announces a station (SEND_RARP); six bytes.
  package func sendRARP(_ address: [UInt8]) throws {
    try tell(.sendRARP, payload: address + [UInt8](repeating: 0, count: 8 - address.count))
  }

  package func setBackendChannel(_ socket: Descriptor) throws {
    try tell(.setBackendChannel, descriptors: [socket])
  }

  /// Reads the configuration space; nil if the back-end says that it cannot.
  package func getConfiguration(offset: UInt32, size: UInt32) throws -> [UInt8]? {
    let room = [UInt8](repeating: 0, count: Int(size))
    let reply = try ask(.getConfiguration, payload: words32(offset, size, 0) + room)
    guard !reply.isEmpty else { return nil }
    guard reply.count == 12 + Int(size) else { throw GuestKitError.badReply("\(reply.count) bytes of configuration") }
    return Array(reply.dropFirst(12))
  }

  package func setConfiguration(offset: UInt32, _ bytes: [UInt8]) throws {
    try tell(.setConfiguration, payload: words32(offset, UInt32(bytes.count), 0) + bytes)
  }

  // MARK: - Memory

  package func getMaximumMemorySlots() throws -> UInt64 { try askNumber(.getMaximumMemorySlots) }

  /// SET_MEM_TABLE with all regions of `memory`.
  package func setMemory(_ memory: SharedMemory) throws {
    try tell(.setMemoryTable, payload: Self.memoryTable(memory.regions), descriptors: memory.descriptors)
  }

  /// Payload of SET_MEM_TABLE.
  package static func memoryTable(_ regions: [SharedMemory.Region]) -> [UInt8] {
    words32(UInt32(regions.count), 0) + regions.flatMap(regionBytes)
  }

  /// Payload of ADD_MEM_REG and REM_MEM_REG.
  package static func singleRegion(_ region: SharedMemory.Region) -> [UInt8] {
    words64(0) + regionBytes(region)
  }

  private static func regionBytes(_ region: SharedMemory.Region) -> [UInt8] {
    words64(region.guestAddress, region.size, region.userAddress, region.fileOffset)
  }

  package func addMemory(_ region: SharedMemory.Region, _ descriptor: Descriptor) throws {
    try tell(.addMemoryRegion, payload: Self.singleRegion(region), descriptors: [descriptor])
  }

  package func removeMemory(_ region: SharedMemory.Region, descriptors: [Descriptor] = []) throws {
    try tell(.removeMemoryRegion, payload: Self.singleRegion(region), descriptors: descriptors)
  }

  // MARK: - Dirty pages

  /// SET_LOG_BASE; whatever is asked for, it is answered by the same 16 bytes.
  package func setLog(_ log: DirtyPages) throws {
    let payload = words64(UInt64(log.size), UInt64(log.offset))
    let reply = try ask(.setLogBase, payload: payload, descriptors: [log.descriptor])
    guard reply == payload else { throw GuestKitError.badReply("\(reply) to SET_LOG_BASE, expected \(payload)") }
  }

  /// Sets or clears VHOST_F_LOG_ALL, and tells the addresses of the rings with the log's flag or without, as QEMU does
  /// while they run.
  package func setLogging(_ isOn: Bool, _ rings: [any RingDriver]) throws {
    let features = features & ~VirtioFeature.logAll
    try setFeatures(isOn ? features | VirtioFeature.logAll : features)
    for ring in rings { try setRingAddress(ring, isLogged: isOn) }
  }

  // MARK: - Rings

  package func setRingSize(_ ring: UInt32, _ size: UInt32) throws {
    try tell(.setRingSize, payload: words32(ring, size))
  }

  package func setRingBase(_ ring: UInt32, _ base: UInt32) throws {
    try tell(.setRingBase, payload: words32(ring, base))
  }

  /// Stops the ring; returns its base.
  package func getRingBase(_ ring: UInt32) throws -> UInt32 {
    let reply = try ask(.getRingBase, payload: words32(ring, 0))
    guard reply.count == 8, WireReader(reply).u32(0) == ring else {
      throw GuestKitError.badReply("\(reply.count) bytes for ring \(WireReader(reply).u32(0)), expected ring \(ring)")
    }
    return WireReader(reply).u32(4)
  }

  package func setRingAddress(_ ring: UInt32, _ addresses: RingAddresses) throws {
    let payload =
      words32(ring, addresses.flags)
      + words64(addresses.descriptors, addresses.used, addresses.available, addresses.log)
    try tell(.setRingAddress, payload: payload)
  }

  /// Tells the addresses of a driver's ring, as user addresses; `isLogged`: with the log's flag.
  package func setRingAddress(_ driver: any RingDriver, isLogged: Bool = false) throws {
    var addresses = driver.addresses
    if isLogged { addresses.flags = RingAddresses.logFlag }
    try setRingAddress(UInt32(driver.index), addresses)
  }

  package func setRingEnable(_ ring: UInt32, _ isEnabled: Bool) throws {
    try tell(.setRingEnable, payload: words32(ring, isEnabled ? 1 : 0))
  }

  /// Nil: the ring has to be polled.
  package func setRingKick(_ ring: UInt32, _ event: Descriptor?) throws { try setEvent(.setRingKick, ring, event) }

  /// Nil: no calls are wanted.
  package func setRingCall(_ ring: UInt32, _ event: Descriptor?) throws { try setEvent(.setRingCall, ring, event) }

  package func setRingError(_ ring: UInt32, _ event: Descriptor?) throws { try setEvent(.setRingError, ring, event) }

  private func setEvent(_ request: Request, _ ring: UInt32, _ event: Descriptor?) throws {
    try tell(
      request, payload: words64(UInt64(ring) | (event == nil ? 0x100 : 0)), descriptors: event.map { [$0] } ?? [])
  }
}

/// 32-bit numbers as they go over the wire.
package func words32(_ values: UInt32...) -> [UInt8] {
  var bytes: [UInt8] = []
  for value in values { bytes.appendWire(value) }
  return bytes
}

/// 64-bit numbers as they go over the wire.
package func words64(_ values: UInt64...) -> [UInt8] {
  var bytes: [UInt8] = []
  for value in values { bytes.appendWire(value) }
  return bytes
}
