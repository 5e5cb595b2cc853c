import LinuxHost
import VhostUser

/// A device to be started: what the guest wants of it, its memory and its rings (receive and transmit, by index).
package struct StartPlan {
  /// Virtio features wanted, with those that the rings' format demands; what is not offered is left out.
  package var features: UInt64
  /// Protocol features wanted; what is not offered is left out.
  package var protocolFeatures: UInt64
  package var memory: SharedMemory
  package var rings: [any RingDriver]
  /// The back-end knows the memory already.
  package var keepsMemory = false
  /// What SET_VRING_BASE says of each ring; nil = where its driver was at its last start.
  package var bases: [UInt32]?
  /// What is kept for the back-end that follows, and given to it; nil = a region is asked for, if there can be one.
  package var inflight: InflightKeeper?

  /// What SET_VRING_BASE says of a ring.
  func base(_ driver: any RingDriver) -> UInt32 { bases?[driver.index] ?? driver.startBase }

  package init(
    features: UInt64 = .max & ~(VirtioFeature.logAll | VirtioFeature.platformAddresses),
    protocolFeatures: UInt64 = .max, memory: SharedMemory, rings: [any RingDriver]
  ) {
    self.features = rings.first?.format.features(of: features) ?? features
    self.protocolFeatures = protocolFeatures
    self.memory = memory
    self.rings = rings
  }
}

// The order in which real front-ends say things, seen in their sources and on the wire.
extension FrontEnd {
  /// QEMU 7.2: connect, then start at DRIVER_OK.
  package func startLikeQEMU(_ plan: StartPlan) throws {
    try connectLikeQEMU(plan)
    try deviceStartLikeQEMU(plan)
  }

  /// QEMU's `vhost_dev_init`, once for each pair: features, queues, owner, masked calls and error descriptors.
  ///
  /// Rings are enabled and disabled again and again before any SET_FEATURES.
  package func connectLikeQEMU(_ plan: StartPlan) throws {
    asksForReply = false
    for pair in 0..<(plan.rings.count / 2) {
      _ = try getFeatures()
      let offered = try getProtocolFeatures() & plan.protocolFeatures
      try setProtocolFeatures(offered)
      if pair == 0, offered & ProtocolFeature.multiqueue != 0 { _ = try getQueueCount() }
      if offered & ProtocolFeature.memorySlots != 0 { _ = try getMaximumMemorySlots() }
      if pair == 0 {
        if offered & ProtocolFeature.backendRequests != 0 {
          try asking { try setBackendChannel(try UnixSocket.pair().1) }
        }
        try setOwner()
      }
      _ = try getFeatures()
      for driver in plan.rings[(2 * pair)..<(2 * pair + 2)] {
        try setRingCall(UInt32(driver.index), try EventDescriptor().descriptor)
        try setRingError(UInt32(driver.index), try EventDescriptor().descriptor)
      }
    }
    for _ in 0..<4 {
      for driver in plan.rings { try setRingEnable(UInt32(driver.index), driver.index < 2) }
    }
  }

  /// QEMU's `vhost_dev_start`, at DRIVER_OK.
  package func deviceStartLikeQEMU(_ plan: StartPlan) throws {
    for driver in plan.rings { try setRingEnable(UInt32(driver.index), true) }
    let hasStatus = protocolFeatures & ProtocolFeature.status != 0
    let features = try getFeatures() & plan.features
    for pair in 0..<(plan.rings.count / 2) {
      let isLast = pair == plan.rings.count / 2 - 1
      try setFeatures(features)
      if hasStatus, isLast { try setStatus(try getStatus() | 8) }
      if pair == 0, !plan.keepsMemory { try asking { try tellMemory(plan.memory) } }
      for driver in plan.rings[(2 * pair)..<(2 * pair + 2)] {
        let ring = UInt32(driver.index)
        try setRingSize(ring, UInt32(driver.size))
        try setRingBase(ring, plan.base(driver))
        try setRingAddress(driver)
        try setRingKick(ring, driver.kickEvent.descriptor)
        driver.kickEvent.signal()
        try setRingCall(ring, driver.callEvent.descriptor)
      }
      if hasStatus, isLast { try setStatus(try getStatus() | 1 | 2 | 4) }
    }
    try barrier()
  }

  /// QEMU 7.2 on a guest's shutdown, reset or pause, and then some.
  ///
  /// - Returns: the base of each ring.
  @discardableResult
  package func stopLikeQEMU(_ plan: StartPlan) throws -> [UInt32] {
    let bases = try pauseLikeQEMU(plan)
    for driver in plan.rings { try setRingEnable(UInt32(driver.index), driver.index < 2) }
    try barrier()
    return bases
  }

  /// QEMU 7.2 at the switch-over of a migration: status 0 comes before the rings of the last pair are stopped, and no ring
  /// is disabled.
  ///
  /// - Returns: the base of each ring.
  @discardableResult
  package func pauseLikeQEMU(_ plan: StartPlan) throws -> [UInt32] {
    var bases: [UInt32] = []
    for pair in 0..<(plan.rings.count / 2) {
      if protocolFeatures & ProtocolFeature.status != 0, pair == plan.rings.count / 2 - 1 { try setStatus(0) }
      for driver in plan.rings[(2 * pair)..<(2 * pair + 2)] { bases.append(try getRingBase(UInt32(driver.index))) }
    }
    return bases
  }

  /// DPDK's virtio-user 22.11: calls for all rings first, few protocol features, receive rings before transmit rings.
  ///
  /// Only pair 0 is enabled.
  package func startLikeVirtioUser(_ plan: StartPlan) throws {
    asksForReply = false
    try setOwner()
    let offered = try getFeatures()
    let known = ProtocolFeature.multiqueue | ProtocolFeature.replyAcknowledge | ProtocolFeature.status
    try setProtocolFeatures(try getProtocolFeatures() & plan.protocolFeatures & known)
    if protocolFeatures & ProtocolFeature.multiqueue != 0 { _ = try getQueueCount() }
    let hasStatus = protocolFeatures & ProtocolFeature.status != 0
    for driver in plan.rings { try setRingCall(UInt32(driver.index), driver.callEvent.descriptor) }
    try setFeatures(offered & plan.features)
    if hasStatus {
      try asking { try setStatus(11) }
      _ = try getStatus()
    }
    try asking { try setMemory(plan.memory) }
    for driver in plan.rings.filter({ $0.index % 2 == 0 }) + plan.rings.filter({ $0.index % 2 == 1 }) {
      let ring = UInt32(driver.index)
      try setRingSize(ring, UInt32(driver.size))
      try setRingBase(ring, driver.startBase)
      try setRingAddress(driver)
      try setRingKick(ring, driver.kickEvent.descriptor)
    }
    for driver in plan.rings.prefix(2) { try setRingEnable(UInt32(driver.index), true) }
    if hasStatus { try asking { try setStatus(15) } }
    try barrier()
  }

  /// virtio-user's stop: rings are asked for their base whether they ran or not.
  ///
  /// - Returns: the base of each ring.
  @discardableResult
  package func stopLikeVirtioUser(_ plan: StartPlan) throws -> [UInt32] {
    for driver in plan.rings.prefix(2) { try setRingEnable(UInt32(driver.index), false) }
    return try plan.rings.map { try getRingBase(UInt32($0.index)) }
  }

  /// Cloud Hypervisor: need_reply on everything, sizes of all rings first, addresses before bases.
  package func startLikeCloudHypervisor(_ plan: StartPlan) throws {
    asksForReply = true
    marksEveryRequest = true
    try setOwner()
    _ = try getFeatures()
    let known =
      ProtocolFeature.multiqueue | ProtocolFeature.memorySlots | ProtocolFeature.replyAcknowledge
      | ProtocolFeature.configuration | ProtocolFeature.inflightShared | ProtocolFeature.logShared
    try setProtocolFeatures(try getProtocolFeatures() & plan.protocolFeatures & known)
    if protocolFeatures & ProtocolFeature.multiqueue != 0 { _ = try getQueueCount() }
    if protocolFeatures & ProtocolFeature.configuration != 0 { _ = try getConfiguration(offset: 0, size: 12) }
    try setFeatures(try getFeatures() & plan.features)
    try setMemory(plan.memory)
    for driver in plan.rings { try setRingSize(UInt32(driver.index), UInt32(driver.size)) }
    if protocolFeatures & ProtocolFeature.inflightShared != 0 {
      let region =
        try plan.inflight ?? getInflight(ringCount: plan.rings.count, ringSize: plan.rings.first?.size ?? 1)
      inflight = region
      try setInflight(region)
    }
    for driver in plan.rings {
      let ring = UInt32(driver.index)
      try setRingAddress(driver)
      try setRingBase(ring, plan.base(driver))
      try setRingCall(ring, driver.callEvent.descriptor)
      try setRingKick(ring, driver.kickEvent.descriptor)
    }
    for driver in plan.rings { try setRingEnable(UInt32(driver.index), true) }
    if protocolFeatures & ProtocolFeature.backendRequests != 0 { try setBackendChannel(try UnixSocket.pair().1) }
    try barrier()
  }

  /// crosvm: acknowledges REPLY_ACK but never asks for a reply; the configuration space is the back-end's.
  package func startLikeCrosvm(_ plan: StartPlan) throws {
    asksForReply = false
    try setOwner()
    _ = try getFeatures()
    let known =
      ProtocolFeature.configuration | ProtocolFeature.multiqueue | ProtocolFeature.backendRequests
      | ProtocolFeature.replyAcknowledge
    try setProtocolFeatures(try getProtocolFeatures() & plan.protocolFeatures & known)
    if protocolFeatures & ProtocolFeature.backendRequests != 0 { try setBackendChannel(try UnixSocket.pair().1) }
    if protocolFeatures & ProtocolFeature.multiqueue != 0 { _ = try getQueueCount() }
    _ = try getConfiguration(offset: 0, size: 24)
    try setFeatures(try getFeatures() & plan.features)
    try setMemory(plan.memory)
    for driver in plan.rings {
      let ring = UInt32(driver.index)
      try setRingSize(ring, UInt32(driver.size))
      try setRingAddress(driver)
      try setRingBase(ring, driver.startBase)
      try setRingCall(ring, driver.callEvent.descriptor)
      try setRingKick(ring, driver.kickEvent.descriptor)
      try setRingEnable(ring, true)
    }
    try barrier()
  }

  /// QEMU adds regions one by one where slots are offered.
  private func tellMemory(_ memory: SharedMemory) throws {
    guard protocolFeatures & ProtocolFeature.memorySlots != 0 else { return try setMemory(memory) }
    for (region, descriptor) in zip(memory.regions, memory.descriptors) { try addMemory(region, descriptor) }
  }

  /// Asks for replies within `body`, as QEMU does for some messages.
  private func asking(_ body: () throws -> Void) rethrows {
    let before = asksForReply
    asksForReply = true
    defer { asksForReply = before }
    try body()
  }
}
