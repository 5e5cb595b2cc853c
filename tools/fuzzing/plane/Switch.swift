import GuestKit
import TestSupport
import VhostUser

@testable import Dataplane

/// A switch in the simplest words: product.md's rules once more, over whole frames and dictionaries.
private struct PlainSwitch {
  struct Station: Hashable {
    var vlan: UInt16
    var address: [UInt8]
  }

  let modes: [PortMode]
  var stations: [Station: Int] = [:]

  /// VLAN of frames without one of their own; 0 = none.
  private func untagged(_ port: Int) -> UInt16 {
    switch modes[port] {
    case .access(let vlan): vlan
    case .trunk(_, let native): native ?? 0
    case .transparent, .wire: 0
    }
  }

  private func carries(_ vlan: UInt16, _ port: Int) -> Bool {
    switch modes[port] {
    case .access(let own): own == vlan
    case .trunk(let allowed, _): allowed.contains(Int(vlan))
    case .transparent, .wire: false
    }
  }

  /// The ports that a frame leaves by, and as what.
  mutating func forward(_ frame: [UInt8], from port: Int) -> [Int: [UInt8]] {
    guard frame.count >= 14 else { return [:] }
    let (destination, source) = (Array(frame[..<6]), Array(frame[6..<12]))
    let isTagged = frame[12] == 0x81 && frame[13] == 0
    guard !isTagged || frame.count >= 18 else { return [:] }
    let control = isTagged ? UInt16(frame[14]) << 8 | UInt16(frame[15]) : 0
    guard control & 0xFFF != 0xFFF else { return [:] }
    let vlan = control & 0xFFF != 0 ? control & 0xFFF : untagged(port)
    guard vlan != 0, carries(vlan, port) else { return [:] }
    guard source[0] & 1 == 0, source.contains(where: { $0 != 0 }) else { return [:] }
    // 01-80-C2-00-00-00 to -0F.
    if destination[..<5] == [1, 0x80, 0xC2, 0, 0], destination[5] < 16 { return [:] }
    stations[Station(vlan: vlan, address: source)] = port
    var outputs = modes.indices.filter { $0 != port && carries(vlan, $0) }
    if destination[0] & 1 == 0, let known = stations[Station(vlan: vlan, address: destination)] {
      outputs = known == port ? [] : [known]
    }
    let rest = Array(frame[(isTagged ? 16 : 12)...])
    let tag = control & 0xF000 | vlan
    return Dictionary(
      uniqueKeysWithValues: outputs.map { output in
        let leavesTagged = if case .trunk = modes[output] { untagged(output) != vlan } else { false }
        let middle = leavesTagged ? [0x81, 0, UInt8(tag >> 8), UInt8(tag & 0xFF)] : []
        return (output, Array(frame[..<12]) + middle + rest)
      })
  }
}

/// Frames through classify, learn, look up and edit, one after the other, beside `PlainSwitch`.
func fuzzSwitch(_ bytes: [UInt8]) {
  demandNoDescriptorKept {
    var choices = Choices(bytes)
    demanded("the bench") { try compare(&choices) }
  }
}

private let modes: [PortMode] = [
  .access(vlan: 1), .access(vlan: 1), .access(vlan: 10), .trunk(allowed: VLANSet([10...10, 20...20]), native: nil),
  .trunk(allowed: .all, native: 1), .trunk(allowed: VLANSet([1...10, 4094...4094]), native: 10),
]

private func compare(_ choices: inout Choices) throws {
  let bench = try DrivenBench()
  for mode in modes {
    try bench.addGuest(mode, features: VirtioFeature.mergeableBuffers) { options in
      options.ringSize = 16
      options.memorySize = 1 << 20
      options.transmitSize = 2048
      options.receiveCount = 8
    }
  }
  var plain = PlainSwitch(modes: modes)
  var count = 0
  while !choices.isEmpty, count < 64 {
    count += 1
    let port = choices.number(below: modes.count)
    let frame = anyFrame(&choices)
    let wanted = plain.forward(frame, from: port)
    try bench.guests[port].send(frame)
    bench.breathe(at: 1)
    _ = bench.worker.payDebts()
    for other in modes.indices {
      let got = try bench.frames(other)
      demand(
        got == (wanted[other].map { [$0] } ?? []),
        "frame \(count) of port \(port), \(frame): port \(other) got \(got), expected \(wanted[other] ?? [])")
    }
  }
}

private func anyFrame(_ choices: inout Choices) -> [UInt8] {
  func address(_ choices: inout Choices) -> [UInt8] {
    let choice = choices.byte()
    if choice < 0xC0 { return FrameBuilder.station(Int(choice % 6)) }
    if choice < 0xD0 { return FrameBuilder.broadcast }
    if choice < 0xE0 { return [1, 0x80, 0xC2, 0, 0, choices.byte()] }
    if choice < 0xF0 { return [1, 0, 0x5E, 0, 0, choices.byte()] }
    return choices.bytes(6)
  }
  var frame = address(&choices) + address(&choices)
  for _ in 0..<choices.number(below: 3) {
    let control = choices.flag() ? choices.word() : UInt16(choices.pick([0, 1, 10, 20, 4094, 4095]))
    frame += choices.pick([[0x81, 0], [0x88, 0xA8]]) + [UInt8(control >> 8), UInt8(control & 0xFF)]
  }
  frame += [0x88, 0xB5] + [UInt8](repeating: choices.byte(), count: choices.pick([46, 0, 1, 200, 1400]))
  // Now and then too short for what it says it is.
  return choices.byte() == 0xFF ? Array(frame.prefix(choices.number(below: 20))) : frame
}
