import Frames

/// Which addresses frames of a node may come from.
///
/// Without a list of addresses only the station is judged, and the other way round.
struct AddressLock: ~Copyable {
  /// Addresses that may be learnt; of more, the one that ends first makes room.
  static let mostLearnt = 16

  /// An address that a DHCP server gave to the node.
  struct Lease: Sendable, Equatable {
    var address: AddressRange
    /// Second of the clock of ageing up to which it counts.
    var until: UInt32
  }

  /// The only station; nil = any.
  private(set) var station: MACAddress?
  /// There are only some addresses.
  private(set) var isOn = false
  private var ranges: [AddressRange] = []
  private(set) var leases: [Lease] = []
  /// Both, as frames are compared with them.
  private var places = FixedArray<Place>(empty: ())

  /// Addresses that begin alike, as they lie in memory.
  struct Place: BitwiseCopyable {
    var isIPv6: Bool
    var high: UInt64
    var low: UInt64
    var highMask: UInt64
    var lowMask: UInt64
    var until: UInt32
  }

  init() {}

  init(_ rules: PortRules, leases: [Lease]) {
    station = rules.macLock
    isOn = rules.ipLock != nil
    ranges = rules.ipLock ?? []
    if rules.learnsAddresses { self.leases = leases }
    coldPlace()
  }

  private mutating func coldPlace() {
    let all = ranges.map { Lease(address: $0, until: .max) } + leases
    places = FixedArray(count: all.count) { index in
      let (words, mask) = (all[index].address.memoryWords, all[index].address.memoryMask)
      return Place(
        isIPv6: all[index].address.isIPv6, high: words.high, low: words.low, highMask: mask.high, lowMask: mask.low,
        until: all[index].until)
    }
  }

  /// Anything is judged.
  var isNeeded: Bool { isOn || station != nil }

  /// Why a frame from the node is not the node's; nil = it is.
  func offence(_ view: FrameView, _ bytes: HeaderBytes, _ tick: UInt32) -> Offence? {
    if let station, view.station != station { return .station }
    let network = Int(view.network)
    if view.kind == .arp, let station, !view.unseen.contains(.addresses),
      Self.station(bytes, at: network + 8) != station
    {
      return .senderStation
    }
    if view.kind == .neighbours, let station, let claimed = Self.linkOption(view, bytes), claimed != station {
      return .senderStation
    }
    guard isOn else { return nil }
    guard view.unseen.isDisjoint(with: [.type, .addresses]) else { return .unseen }
    if view.form.contains(.version6) { return offence6(view, bytes, tick) }
    return view.kind == .other ? nil : offence4(view, tick)
  }

  /// What is wrong with a frame.
  enum Offence: Sendable, Equatable { case station, senderStation, unseen, address }

  private func offence4(_ view: FrameView, _ tick: UInt32) -> Offence? {
    let source = view.source & 0xFFFF_FFFF
    // A node without an address asks for one, or whether somebody has it (RFC 2131, RFC 5227).
    if source == 0, view.kind == .arp || view.kind == .dhcp4 && view.sourcePort == 68 { return nil }
    return has(high: 0, low: source, isIPv6: false, tick) ? nil : .address
  }

  private func offence6(_ view: FrameView, _ bytes: HeaderBytes, _ tick: UInt32) -> Offence? {
    let type = view.detail
    let isNeighbours = view.kind == .neighbours
    if view.source == 0, view.sourceLow == 0 {
      // Duplicate address detection, a search for routers, and reports of groups before there is an address (RFC 3810).
      let asks = isNeighbours && (type == 133 || type == 135)
      let reports = view.kind == .icmp6 && (type == 131 || type == 132 || type == 143)
      return asks || reports ? nil : .address
    }
    guard isTheirs(high: view.source, low: view.sourceLow, view, tick) else { return .address }
    // What an advertisement says of whom.
    guard isNeighbours, type == 136 else {
      // In fragments nobody can see it.
      return view.proto == FrameView.protocolICMP6 && (133...137).contains(type) && view.form.contains(.fragment)
        ? .unseen : nil
    }
    let target = Int(view.transport) + 8
    guard target + 16 <= bytes.count else { return .unseen }
    let (high, low) = (Self.word(bytes, at: target), Self.word(bytes, at: target + 8))
    return isTheirs(high: high, low: low, view, tick) ? nil : .address
  }

  private func isTheirs(high: UInt64, low: UInt64, _ view: FrameView, _ tick: UInt32) -> Bool {
    has(high: high, low: low, isIPv6: true, tick)
      || Self.isLinkLocal(high: high, low: low, of: station ?? view.station)
  }

  private func has(high: UInt64, low: UInt64, isIPv6: Bool, _ tick: UInt32) -> Bool {
    for index in 0..<places.count {
      let place = places[index]
      guard (high ^ place.high) & place.highMask | (low ^ place.low) & place.lowMask == 0 else { continue }
      if place.isIPv6 == isIPv6, place.until >= tick { return true }
    }
    return false
  }

  /// FE80::/64 with the station's own identifier (RFC 4291 appendix A).
  private static func isLinkLocal(high: UInt64, low: UInt64, of station: MACAddress) -> Bool {
    // As in memory: three bytes, FF FE, three bytes; the first with its second lowest bit turned.
    let first = (station.bits ^ 2) & 0xFF_FFFF
    let last = station.bits >> 24 & 0xFF_FFFF
    return high == 0x80FE && low == first | 0xFEFF << 24 | last << 40
  }

  private static func station(_ bytes: HeaderBytes, at place: Int) -> MACAddress {
    MACAddress(bits: word(bytes, at: place))
  }

  private static func word(_ bytes: HeaderBytes, at place: Int) -> UInt64 {
    var value: UInt64 = 0
    for position in 0..<8 { value |= UInt64(bytes[place + position]) << UInt64(8 * position) }
    return value
  }

  /// The station that a message of neighbour discovery says to be the sender's; nil = it says none.
  ///
  /// One that has options which cannot be followed claims nobody's.
  private static func linkOption(_ view: FrameView, _ bytes: HeaderBytes) -> MACAddress? {
    let (start, wanted): (Int, UInt8)
    switch view.detail {
    case 133: (start, wanted) = (8, 1)
    case 134: (start, wanted) = (16, 1)
    case 135: (start, wanted) = (24, 1)
    case 136: (start, wanted) = (24, 2)
    default: return nil
    }
    var place = Int(view.transport) + start
    while place + 8 <= bytes.count {
      let size = 8 * Int(bytes[place + 1])
      if bytes[place] == wanted { return station(bytes, at: place + 2) }
      guard size > 0 else { return MACAddress(bits: 0) }
      place += size
    }
    return nil
  }

  // DHCP.

  /// Takes note of an address that a server gave to the node; for no time, takes it back.
  mutating func coldLearn(_ address: AddressRange, for seconds: UInt32, _ tick: UInt32) {
    defer { coldPlace() }
    leases.removeAll { $0.address == address || $0.until < tick }
    guard seconds > 0 else { return }
    if leases.count >= Self.mostLearnt, let first = leases.indices.min(by: { leases[$0].until < leases[$1].until }) {
      leases.remove(at: first)
    }
    leases.append(Lease(address: address, until: tick &+ min(seconds, UInt32.max - tick)))
  }

  /// Addresses that count still.
  func coldLearnt(_ tick: UInt32) -> [Lease] { leases.filter { $0.until >= tick } }
}
