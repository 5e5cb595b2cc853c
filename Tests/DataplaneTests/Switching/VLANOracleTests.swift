import Dataplane
import GuestKit
import Testing

/// Every kind of frame into every kind of port, against the rules of product.md section 4 written a second time.
@Suite struct VLANOracleTests {
  /// What is said of a port, in the simplest form.
  private struct Port {
    var name: String
    var mode: PortMode

    /// VLAN of frames without a VLAN of their own.
    var untagged: UInt16? {
      switch mode {
      case .access(let vlan): vlan
      case .trunk(_, let native): native
      case .transparent, .wire: nil
      }
    }

    func isMember(_ vlan: UInt16) -> Bool {
      switch mode {
      case .access(let own): own == vlan
      case .trunk(let allowed, _): allowed.contains(Int(vlan))
      case .transparent, .wire: false
      }
    }
  }

  private static let ports = [
    Port(name: "access1", mode: .access(vlan: 1)), Port(name: "access10", mode: .access(vlan: 10)),
    Port(name: "access20", mode: .access(vlan: 20)), Port(name: "access4094", mode: .access(vlan: 4094)),
    Port(name: "trunk10+20", mode: .trunk(allowed: VLANSet([10...10, 20...20]), native: nil)),
    Port(name: "trunk10+20 native 10", mode: .trunk(allowed: VLANSet([10...10, 20...20]), native: 10)),
    Port(name: "all", mode: .trunk(allowed: .all, native: nil)),
    Port(name: "all native 20", mode: .trunk(allowed: .all, native: 20)),
    Port(name: "trunk64-127", mode: .trunk(allowed: VLANSet([64...127]), native: 64)),
    Port(name: "trunk of none", mode: .trunk(allowed: VLANSet(), native: nil)),
  ]

  /// Bytes between addresses and type.
  private static let tags: [[UInt8]] = {
    var tags: [[UInt8]] = [[]]
    for vlan in [0, 1, 2, 10, 11, 20, 63, 64, 100, 127, 128, 4093, 4094, 4095] {
      for priority in [0x0000, 0x1000, 0x6000, 0xF000] {
        tags.append([0x81, 0x00, UInt8((priority | vlan) >> 8), UInt8(vlan & 0xFF)])
      }
    }
    tags += [[0x88, 0xA8, 0x00, 0x0A], [0x91, 0x00, 0x00, 0x0A], [0x88, 0xA8, 0x00, 0x0A, 0x81, 0x00, 0x00, 0x14]]
    tags += [[0x81, 0x00, 0x00, 0x14, 0x81, 0x00, 0x00, 0x0A], [0x81, 0x00, 0x00, 0x00, 0x81, 0x00, 0x00, 0x0A]]
    return tags
  }()

  private enum Verdict: Equatable {
    case dropped(String)
    case passed(vlan: UInt16, priority: UInt16, hasTag: Bool)
  }

  private func ingress(_ tag: [UInt8], _ port: Port) -> Verdict {
    guard tag.starts(with: [0x81, 0x00]) else {
      guard let vlan = port.untagged else { return .dropped("vlan-filtered") }
      return .passed(vlan: vlan, priority: 0, hasTag: false)
    }
    let control = UInt16(tag[2]) << 8 | UInt16(tag[3])
    let named = control & 0xFFF
    if named == 4095 { return .dropped("vlan-invalid") }
    guard let vlan = named == 0 ? port.untagged : named, port.isMember(vlan) else { return .dropped("vlan-filtered") }
    return .passed(vlan: vlan, priority: control & 0xF000, hasTag: true)
  }

  private func expected(_ tag: [UInt8], into port: Port, frame: ([UInt8]) -> [UInt8]) -> [String: [[UInt8]]] {
    guard case .passed(let vlan, let priority, let hasTag) = ingress(tag, port) else { return [:] }
    var outputs: [String: [[UInt8]]] = [:]
    for other in Self.ports where other.name != port.name && other.isMember(vlan) {
      let rest = hasTag ? Array(tag[4...]) : tag
      let control = priority | vlan
      let isTagged = if case .trunk(_, let native) = other.mode { native != vlan } else { false }
      outputs[other.name] = [frame(isTagged ? [0x81, 0, UInt8(control >> 8), UInt8(control & 0xFF)] + rest : rest)]
    }
    return outputs
  }

  @Test func everyFrameGoesWhereAndAsTheRulesSay() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      for port in Self.ports { try await bench.addGuest(port.name, port.mode) }
      var drops: [String: [String: UInt64]] = [:]
      for (number, port) in Self.ports.enumerated() {
        for tag in Self.tags {
          let frame = { (tag: [UInt8]) -> [UInt8] in
            FrameBuilder.broadcast + FrameBuilder.station(number + 1) + tag + [0x88, 0xB5] + [UInt8](1...50)
          }
          let got = try bench.exchange(frame(tag), from: port.name)
          #expect(got == expected(tag, into: port, frame: frame), "tag \(tag) into \(port.name)")
          if case .dropped(let reason) = ingress(tag, port) { drops[port.name, default: [:]][reason, default: 0] += 1 }
        }
      }
      for port in Self.ports {
        let status = try await bench.status(port.name)
        #expect(status.dropsIn == drops[port.name] ?? [:])
        #expect(status.receivePackets == UInt64(Self.tags.count))
        #expect(status.dropsOut == [:])
      }
    }
  }
}
