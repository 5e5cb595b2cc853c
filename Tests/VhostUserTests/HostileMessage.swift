import GuestKit
import LinuxHost
import TestSupport
import VhostUser

/// Files of every kind that a front-end may send; those that go with messages are copies.
struct HostileFiles {
  let event: Descriptor
  let memory: Descriptor
  let socket: Descriptor
  private let other: Descriptor

  init() throws {
    event = try EventDescriptor().descriptor
    memory = try makeMemoryFile(size: 1 << 20)
    (socket, other) = try UnixSocket.pair()
  }
}

/// A message as it goes out: as the specification lays it out, with odd numbers in it.
struct HostileMessage {
  var request: UInt32
  var payload: [UInt8] = []
  var descriptors: [Descriptor] = []
  var flags: UInt32 = 9
  var size: Int
  private let files: HostileFiles

  init(_ choices: inout Choices, _ files: HostileFiles) {
    // Those of rings more often: one alone does not start a ring.
    let choice = choices.byte()
    let ofRings: [UInt32] = [5, 8, 8, 9, 9, 10, 12, 12, 13, 14, 18, 37]
    request = choice < 0x90 ? ofRings[Int(choice) % ofRings.count] : UInt32(choices.number(below: 48))
    size = 0
    self.files = files
    switch Request(rawValue: request) {
    case .setMemoryTable: table(&choices)
    case .addMemoryRegion, .removeMemoryRegion:
      payload = words64(0) + Self.region(&choices)
      if request == Request.addMemoryRegion.rawValue || choices.byte() == 0 { descriptors = [files.memory] }
    case .setLogBase:
      payload = words64(choices.odd(), choices.odd())
      descriptors = [files.memory]
    case .setRingSize, .setRingBase, .getRingBase, .setRingEnable:
      payload = words32(Self.ring(&choices), Self.count(&choices))
    case .setRingAddress:
      payload = words32(Self.ring(&choices), UInt32(choices.byte() & 3))
      payload += words64(Self.place(&choices), Self.place(&choices), Self.place(&choices), Self.place(&choices))
    case .setRingKick, .setRingCall, .setRingError: event(&choices)
    case .getConfiguration, .setConfiguration:
      let count = choices.number(below: 300)
      payload = words32(UInt32(truncatingIfNeeded: choices.odd()), UInt32(count), UInt32(choices.byte() & 3))
      payload += choices.bytes(count)
    case .getInflightDescriptor, .setInflightDescriptor: inflight(&choices)
    case .setBackendChannel: descriptors = [files.socket]
    case .setFeatures, .setProtocolFeatures, .setStatus, .setMTU, .sendRARP: payload = words64(choices.odd())
    case .getFeatures, .getProtocolFeatures, .setOwner, .resetOwner, .getQueueCount, .resetDevice, .getStatus,
      .getMaximumMemorySlots:
      break
    default: payload = choices.bytes(choices.pick([0, 8, 16, 24, 40]))
    }
    size = payload.count
  }

  /// Now and then flags, size, or descriptors are others.
  mutating func spoil(_ choices: inout Choices) {
    switch choices.byte() {
    case 0xFF: size = Int(truncatingIfNeeded: choices.odd() & 0xFFFF_FFFF)
    case 0xFE: flags = UInt32(truncatingIfNeeded: choices.odd())
    case 0xFD: descriptors.append(choices.pick([files.event, files.memory, files.socket]))
    case 0xFC: descriptors = []
    case 0xFB: descriptors = Array(repeating: files.event, count: choices.number(below: 10))
    case 0xFA: request = UInt32(truncatingIfNeeded: choices.odd())
    case 0xF9:
      payload.append(choices.byte())
      size = payload.count
    default: break
    }
  }

  private mutating func table(_ choices: inout Choices) {
    let count = choices.number(below: 10)
    payload = words32(UInt32(count), 0)
    for _ in 0..<count {
      payload += Self.region(&choices)
      descriptors.append(files.memory)
    }
  }

  private mutating func event(_ choices: inout Choices) {
    let hasNone = choices.byte() % 8 == 0
    payload = words64(UInt64(Self.ring(&choices)) | (hasNone ? 0x100 : 0))
    descriptors = hasNone ? [] : [files.event]
  }

  private mutating func inflight(_ choices: inout Choices) {
    let numbers =
      UInt32(choices.pick([0, 1, 2, 4, 5, 0xFFFF])) | UInt32(choices.pick([0, 1, 64, 256, 1024, 0xFFFF])) << 16
    let (isLarge, isAtStart) = (choices.flag(), choices.flag())
    payload = words64(isLarge ? 1 << 20 : choices.odd(), isAtStart ? 0 : choices.odd()) + words32(numbers)
    if choices.flag() { payload += words32(0) }
    if request == Request.setInflightDescriptor.rawValue { descriptors = [files.memory] }
  }

  private static func ring(_ choices: inout Choices) -> UInt32 {
    let choice = choices.byte()
    return choice < 0xE0 ? UInt32(choice % 4) : UInt32(truncatingIfNeeded: choices.odd())
  }

  private static func count(_ choices: inout Choices) -> UInt32 {
    let choice = choices.byte()
    return choice < 0xC0 ? [0, 1, 16, 64, 256, 0x8000][Int(choice) % 6] : UInt32(truncatingIfNeeded: choices.odd())
  }

  /// In the front-end's memory, mostly.
  private static func place(_ choices: inout Choices) -> UInt64 {
    let choice = choices.byte()
    return choice < 0xE0 ? 0x7F00_0000_0000 + UInt64(choice) * 0x400 : choices.odd()
  }

  private static func region(_ choices: inout Choices) -> [UInt8] {
    let choice = choices.byte()
    guard choice < 0xE0 else { return words64(choices.odd(), choices.odd(), choices.odd(), choices.odd()) }
    let slot = UInt64(choice % 16)
    return words64(slot * 0x1_0000, choice < 0x80 ? 0x1_0000 : 0x1_8000, 0x7F00_0000_0000 + slot * 0x1_0000, 0)
  }
}
