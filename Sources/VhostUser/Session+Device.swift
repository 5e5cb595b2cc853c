internal import LinuxHost

// Messages about the device as a whole: features, owner, configuration, status, MTU, announcement.
extension Session {
  func getFeatures(_ message: Message) -> Outcome {
    reply(offer.features)
  }

  /// Rings keep their enable state if bit 30 is set: live migration toggles VHOST_F_LOG_ALL under running rings.
  func setFeatures(_ message: Message) throws(Refusal) -> Outcome {
    let wanted = message.payload.u64(0)
    let unknown = wanted & ~offer.features
    guard unknown == 0 else {
      throw Refusal("sets \(featureNames(unknown).joined(separator: ", ")), which is not offered")
    }
    try takeFormat(wanted)
    let wasLogging = isLogging
    features = wanted
    owner.didNegotiate(features: features, protocolFeatures: protocolFeatures)
    let steps = loggingSteps(wasLogging: wasLogging)
    return .steps(steps + (features & VirtioFeature.protocolFeatures == 0 ? enableAllRings() : []))
  }

  /// Rings of another format begin anew, at its first position; what runs keeps the format that it has.
  private func takeFormat(_ wanted: UInt64) throws(Refusal) {
    let bit = VirtioFeature.packedRing
    guard (wanted ^ features) & bit != 0 else { return }
    if let ring = rings.indices.first(where: { rings[$0].phase == .running && !rings[$0].isBroken }) {
      throw Refusal("\(wanted & bit != 0 ? "sets" : "clears") RING_PACKED while ring \(ring) runs")
    }
    for index in rings.indices {
      rings[index].base = wanted & bit != 0 ? QueueState.packedBeginning : 0
      rings[index].stoppedAt = nil
    }
  }

  /// SET_OWNER, also a second time.
  func setOwner(_ message: Message) -> Outcome {
    isOwned = true
    return .done
  }

  /// RESET_OWNER: "deprecated", to be ignored, or to disable all rings.
  func resetOwner(_ message: Message) -> Outcome {
    .done
  }

  func getProtocolFeatures(_ message: Message) -> Outcome {
    reply(offer.protocolFeatures)
  }

  /// Bits that are not offered are masked: some front-ends acknowledge all that they know.
  func setProtocolFeatures(_ message: Message) -> Outcome {
    protocolFeatures = message.payload.u64(0) & offer.protocolFeatures
    return .done
  }

  /// Front-ends differ in the unit: QEMU and DPDK compare the answer with pairs, Cloud Hypervisor and crosvm with rings.
  ///
  /// A number too small for Cloud Hypervisor ends it, one too large for QEMU has it use rings that there are not. Cloud
  /// Hypervisor alone is known to send SET_OWNER first and to ask for a reply to this message, which has one anyway (its
  /// library sets that bit in all that follows SET_PROTOCOL_FEATURES). QEMU sends SET_OWNER later; DPDK and crosvm send
  /// it first, but never ask so; crosvm needs the user's word.
  func getQueueCount(_ message: Message) -> Outcome {
    let isRings = offer.queueUnit == .rings || isOwned && needsReply
    return reply(UInt64(isRings ? rings.count : rings.count / 2))
  }

  /// `u32 offset, u32 size, u32 flags` and room for `size` bytes, answered in the same form.
  ///
  /// What lies beyond the fields that are served reads as zero, since front-ends ask for the structure as long as they
  /// know it.
  func getConfiguration(_ message: Message) throws(Refusal) -> Outcome {
    let (offset, size) = try configurationRange(message)
    var payload = Array(message.payload.bytes.prefix(12))
    for position in offset..<(offset + size) {
      payload.append(offer.configuration.indices.contains(position) ? offer.configuration[position] : 0)
    }
    return .reply(Reply(payload: payload))
  }

  /// VIRTIO 1.2 section 5.1.4: the fields of the network device's configuration are read-only for the driver.
  func setConfiguration(_ message: Message) throws(Refusal) -> Outcome {
    let (offset, size) = try configurationRange(message)
    throw Refusal("writes \(size) bytes at \(offset), and the configuration of a network device is read-only")
  }

  func resetDevice(_ message: Message) -> Outcome {
    .steps(resetSteps())
  }

  /// Takes the device status; 0 resets.
  ///
  /// Memory is kept, as QEMU sends only differences of it afterwards.
  func setStatus(_ message: Message) throws(Refusal) -> Outcome {
    let value = message.payload.u64(0)
    guard let newStatus = UInt8(exactly: value) else { throw Refusal("status \(hex(value)), expected at most 0xff") }
    guard newStatus != 0 else { return .steps(resetSteps()) }
    status = newStatus
    return .done
  }

  func getStatus(_ message: Message) -> Outcome {
    reply(UInt64(status))
  }

  /// VIRTIO 1.2 section 5.1.4.1: "The device MUST set mtu to between 68 and 65535 inclusive".
  func setMTU(_ message: Message) throws(Refusal) -> Outcome {
    let value = message.payload.u64(0)
    guard let mtu = Int(exactly: value), mtu >= 68, mtu <= offer.mtuLimit else {
      throw Refusal("MTU \(value), expected 68 to \(offer.mtuLimit)")
    }
    return .steps([.setMTU(mtu)])
  }

  /// The payload's first six bytes are the address, in the order of the network.
  func sendRARP(_ message: Message) throws(Refusal) -> Outcome {
    let bytes = message.payload.bytes
    let address = bytes.prefix(6).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard bytes.dropFirst(6).allSatisfy({ $0 == 0 }), address != 0, address >> 40 & 1 == 0 else {
      throw Refusal("\(hex(message.payload.u64(0))) is not a station's address")
    }
    return .steps([.announce(address)])
  }

  func setBackendChannel(_ message: Message) throws(Refusal) -> Outcome {
    guard let channel = message.descriptors.first else { throw Refusal("came without a descriptor, expected 1") }
    try check(channel: channel)
    self.channel = channel
    owner.setBackendChannel(channel)
    return .done
  }

  /// A channel is written to with what this process may do, so a socket of any other kind (one that commands the kernel,
  /// say) is not taken.
  func check(channel: Descriptor) throws(Refusal) {
    guard channel.kind == .socket else { throw Refusal("descriptor is \(channel.kind.words), expected a socket") }
    guard UnixSocket.isUnix(channel) else { throw Refusal("descriptor is a socket of another kind than unix") }
  }

  /// A reply of one 64-bit number.
  func reply(_ value: UInt64) -> Outcome {
    var payload: [UInt8] = []
    payload.appendWire(value)
    return .reply(Reply(payload: payload))
  }

  private func configurationRange(_ message: Message) throws(Refusal) -> (offset: Int, size: Int) {
    let limit = UInt32(Self.maximumConfigurationSize)
    let (offset, size) = (message.payload.u32(0), message.payload.u32(4))
    guard size > 0, size <= limit, offset <= limit - size else {
      throw Refusal("\(size) bytes at \(offset), expected 1 to \(limit) bytes within \(limit)")
    }
    guard message.payload.bytes.count == 12 + Int(size) else {
      throw Refusal("says \(size) bytes in \(message.payload.bytes.count) bytes of payload")
    }
    return (Int(offset), Int(size))
  }
}
