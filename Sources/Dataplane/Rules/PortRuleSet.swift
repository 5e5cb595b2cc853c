import Frames

/// What a port's rules are to the loop, and what they have come to.
///
/// Shared by all workers: whoever has a frame judges it. What changes with frames (flows, buckets) is touched under `lock`,
/// where there are several workers; a list without state needs none. Set while all stand still.
struct PortRuleSet: ~Copyable {
  /// What there is to do with a frame from the node, or to it.
  struct Checks: OptionSet, BitwiseCopyable {
    var rawValue: UInt8
    static var spoof: Checks { Checks(rawValue: 1) }
    /// A list, or the state of one.
    static var access: Checks { Checks(rawValue: 2) }
    static var storm: Checks { Checks(rawValue: 4) }
    static var rate: Checks { Checks(rawValue: 8) }
    /// Addresses are learnt from what passes.
    static var snoop: Checks { Checks(rawValue: 16) }

    /// Time matters.
    @inline(__always) var needsClock: Bool { rawValue & (4 | 8) != 0 }
  }

  /// Counters of a direction, behind those of its rules and of the default.
  enum Counter {
    static var needed: Int { 1 }
    static var answers: Int { 2 }
    static var count: Int { 3 }
  }

  /// Number of the port; -1 = the place is free.
  var port = -1
  let lock = BurstLock()
  /// As they were set.
  private(set) var rules = PortRules()
  private(set) var fromNode = RuleTable()
  private(set) var toNode = RuleTable()
  private(set) var arrivalChecks: Checks = []
  private(set) var departureChecks: Checks = []
  private(set) var isStateful = false
  /// Frames change it.
  var needsLock: Bool { isStateful || arrivalChecks.needsClock || departureChecks.rawValue & (8 | 16) != 0 }
  var flows = FlowStates()
  var addresses = AddressLock()
  /// Of frames from the node: to all, to groups, to stations that nobody knows.
  private var storms = (TokenBucket(), TokenBucket(), TokenBucket())
  private var rateFromNode = TokenBucket()
  private var rateToNode = TokenBucket()
  /// From the node first; a stripe a worker.
  private var hits = WorkerStripes(count: 1, workerCount: 1)

  /// A free place.
  init() {}

  /// Where the counters of frames to the node begin.
  private var toNodeHits: Int { fromNode.count + Counter.count }

  /// Takes over new rules; what stays the same goes on: counters and flows of a list, buckets of a rate, learnt addresses.
  mutating func coldSet(_ new: PortRules, workers: Int, tick: UInt32) {
    if new.access != rules.access || port < 0 {
      fromNode = RuleTable(new.access?.fromNode)
      toNode = RuleTable(new.access?.toNode)
      isStateful = new.access?.isStateful ?? false
      flows = FlowStates(limit: isStateful ? FlowStates.usualLimit : 0)
      hits = WorkerStripes(count: fromNode.count + toNode.count + 2 * Counter.count, workerCount: workers)
    }
    let station = new.macLock
    let keeps = new.learnsAddresses && station == rules.macLock
    addresses = AddressLock(new, leases: keeps ? addresses.coldLearnt(tick) : [])
    if new.broadcastStorm != rules.broadcastStorm { storms.0 = Self.storm(new.broadcastStorm) }
    if new.multicastStorm != rules.multicastStorm { storms.1 = Self.storm(new.multicastStorm) }
    if new.unknownStorm != rules.unknownStorm { storms.2 = Self.storm(new.unknownStorm) }
    if new.rateFromNode != rules.rateFromNode {
      rateFromNode = new.rateFromNode.map { TokenBucket(bits: $0) } ?? .init()
    }
    if new.rateToNode != rules.rateToNode { rateToNode = new.rateToNode.map { TokenBucket(bits: $0) } ?? .init() }
    rules = new
    coldFindChecks()
  }

  private static func storm(_ frames: Int?) -> TokenBucket { frames.map { TokenBucket(frames: $0) } ?? TokenBucket() }

  private mutating func coldFindChecks() {
    (arrivalChecks, departureChecks) = ([], [])
    if addresses.isNeeded { arrivalChecks.insert(.spoof) }
    if fromNode.isOn || isStateful { arrivalChecks.insert(.access) }
    if toNode.isOn || isStateful { departureChecks.insert(.access) }
    if storms.0.rate > 0 || storms.1.rate > 0 || storms.2.rate > 0 { arrivalChecks.insert(.storm) }
    if rateFromNode.rate > 0 { arrivalChecks.insert(.rate) }
    if rateToNode.rate > 0 { departureChecks.insert(.rate) }
    if rules.learnsAddresses { departureChecks.insert(.snoop) }
  }

  /// Frames to stations that nobody knows are limited.
  var limitsUnknown: Bool { storms.2.rate > 0 }

  // Frames.

  /// When a frame is judged, and by whom.
  struct Moment: BitwiseCopyable {
    /// Nanoseconds, of what asks for the time.
    var now: UInt64
    /// Second of the clock of ageing.
    var tick: UInt32
    var worker: Int
    var vlan: UInt16
  }

  /// Why a frame from the node does not pass, whose view is there; nil = it does.
  ///
  /// - Parameter isUnknown: nobody knows where its destination is.
  @inline(__always)
  mutating func judgeArrival(
    _ frame: Int, of burst: borrowing Burst, _ moment: Moment, isUnknown: Bool
  ) -> IngressDrop? {
    if arrivalChecks.contains(.spoof), isSpoofed(frame, of: burst, moment.tick) { return .spoofed }
    if arrivalChecks.contains(.access), !passes(frame, of: burst, moment, isFromNode: true) { return .acl }
    guard arrivalChecks.needsClock else { return nil }
    return judgeAmount(frame, of: burst, moment.now, isUnknown: isUnknown)
  }

  @inline(never)
  private func isSpoofed(_ frame: Int, of burst: borrowing Burst, _ tick: UInt32) -> Bool {
    // A claim may lie deeper than where most frames are known by.
    if !burst.views[frame].kind.isDisjoint(with: [.neighbours, .icmp6]) { burst.deepen(frame) }
    return addresses.offence(burst.views[frame], burst.seen(frame), tick) != nil
  }

  @inline(never)
  private mutating func judgeAmount(
    _ frame: Int, of burst: borrowing Burst, _ now: UInt64, isUnknown: Bool
  ) -> IngressDrop? {
    let destination = burst.header(frame).destination
    if destination.bits == MACAddress.broadcast.bits {
      guard storms.0.take(1, now: now) else { return .storm }
    } else if destination.isGroup {
      guard storms.1.take(1, now: now) else { return .storm }
    } else if isUnknown {
      guard storms.2.take(1, now: now) else { return .storm }
    }
    return rateFromNode.take(Self.bits(burst.frames[frame].size), now: now) ? nil : .rate
  }

  private static func bits(_ size: Int) -> UInt64 { 8 &* UInt64(truncatingIfNeeded: size) }

  /// Why a frame does not go to the node, whose view is there; nil = it does.
  @inline(__always)
  mutating func judgeDeparture(_ frame: Int, of burst: borrowing Burst, _ moment: Moment) -> EgressDrop? {
    if departureChecks.contains(.access), !passes(frame, of: burst, moment, isFromNode: false) { return .acl }
    if departureChecks.contains(.rate), !rateToNode.take(Self.bits(burst.frames[frame].size), now: moment.now) {
      return .rate
    }
    if departureChecks.contains(.snoop), burst.views[frame].kind == .dhcp4 { coldSnoop(frame, of: burst, moment.tick) }
    return nil
  }

  /// A list lets a frame pass, or it is of a flow that it has let through.
  @inline(__always)
  mutating func passes(
    _ frame: Int, of burst: borrowing Burst, _ moment: Moment, isFromNode: Bool
  ) -> Bool {
    if isStateful { return passesWithState(frame, of: burst, moment, isFromNode: isFromNode) }
    let decision = isFromNode ? fromNode.decide(burst.views[frame]) : toNode.decide(burst.views[frame])
    count(decision.number, moment.worker, isFromNode: isFromNode)
    return decision.allows
  }

  /// Counts frames that a rule decided, by its number or that of a `Counter`.
  @inline(__always)
  func count(_ number: Int, _ worker: Int, isFromNode: Bool, _ frames: UInt64 = 1) {
    hits.add(isFromNode ? number : toNodeHits &+ number, of: worker, frames)
  }

  @inline(never)
  private mutating func passesWithState(
    _ frame: Int, of burst: borrowing Burst, _ moment: Moment, isFromNode: Bool
  ) -> Bool {
    let hasState = burst.views[frame].hasState
    if hasState {
      let place = flows.find(FlowKey(burst.views[frame], vlan: moment.vlan, isFromNode: isFromNode), moment.tick)
      if place >= 0 {
        let isForward = flows[place].isFromNode == isFromNode
        if flows[place].take(burst.views[frame], isForward: isForward, moment.tick) {
          let rules = isFromNode ? fromNode.count : toNode.count
          let number = isForward ? Int(flows[place].rule) : rules &+ Counter.answers
          if number != 0xFFFF { count(number, moment.worker, isFromNode: isFromNode) }
          return true
        }
      }
    }
    return opens(frame, of: burst, moment, isFromNode: isFromNode, hasState: hasState)
  }

  /// The same for a frame of no flow that is known.
  @inline(never)
  private mutating func opens(
    _ frame: Int, of burst: borrowing Burst, _ moment: Moment, isFromNode: Bool, hasState: Bool
  ) -> Bool {
    if burst.views[frame].isICMPError, quotesFlow(frame, of: burst, moment, isFromNode: isFromNode) {
      count((isFromNode ? fromNode.count : toNode.count) + Counter.answers, moment.worker, isFromNode: isFromNode)
      return true
    }
    var rule = 0xFFFF
    if isFromNode ? fromNode.isOn : toNode.isOn {
      let decision = isFromNode ? fromNode.decide(burst.views[frame]) : toNode.decide(burst.views[frame])
      count(decision.number, moment.worker, isFromNode: isFromNode)
      guard decision.allows else { return false }
      rule = decision.number
    }
    // An answer to nothing, which a rule let through, opens nothing.
    guard hasState, burst.views[frame].opensFlow else { return true }
    let key = FlowKey(burst.views[frame], vlan: moment.vlan, isFromNode: isFromNode)
    let entry = FlowEntry(
      burst.views[frame], key, rule: UInt16(truncatingIfNeeded: rule), isFromNode: isFromNode, moment.tick)
    flows.add(entry, moment.tick)
    return true
  }

  /// An ICMP message is about a packet that went the other way, of a flow that is known.
  @inline(never)
  private func quotesFlow(_ frame: Int, of burst: borrowing Burst, _ moment: Moment, isFromNode: Bool) -> Bool {
    burst.deepen(frame)
    guard let quoted = burst.views[frame].quoted(burst.seen(frame)) else { return false }
    return flows.find(FlowKey(quoted, vlan: moment.vlan, isFromNode: !isFromNode), moment.tick) >= 0
  }

  /// Learns the address that a DHCP server gives to the node.
  @inline(never)
  private mutating func coldSnoop(_ frame: Int, of burst: borrowing Burst, _ tick: UInt32) {
    let view = burst.views[frame]
    guard view.sourcePort == 67, view.destinationPort == 68 else { return }
    let message = burst.coldBytes(frame, from: Int(view.transport) + 8, count: DHCPLease.mostBytes)
    guard let lease = DHCPLease(message, for: rules.macLock) else { return }
    addresses.coldLearn(lease.address, for: lease.time, tick)
  }

  // What the control side asks, while all stand still.

  /// What a list would say of a frame, and why; nothing is counted, and no flow comes or ends.
  func coldDecide(_ view: FrameView, _ bytes: HeaderBytes, _ moment: Moment, isFromNode: Bool) -> TraceVerdict? {
    guard let list = rules.access else { return nil }
    let table = isFromNode ? (isOn: fromNode.isOn, count: fromNode.count) : (isOn: toNode.isOn, count: toNode.count)
    if isStateful, coldIsOfFlow(view, bytes, moment, isFromNode: isFromNode) {
      return TraceVerdict(list: list.name, basis: .state, allows: true)
    }
    guard table.isOn else { return nil }
    let decision = isFromNode ? fromNode.decide(view) : toNode.decide(view)
    let basis: TraceVerdict.Basis =
      decision.number < table.count ? .rule(decision.number + 1) : decision.number == table.count ? .rest : .needed
    return TraceVerdict(list: list.name, basis: basis, allows: decision.allows)
  }

  private func coldIsOfFlow(_ view: FrameView, _ bytes: HeaderBytes, _ moment: Moment, isFromNode: Bool) -> Bool {
    if view.hasState {
      let place = flows.find(FlowKey(view, vlan: moment.vlan, isFromNode: isFromNode), moment.tick)
      guard place >= 0 else { return false }
      var entry = flows[place]
      return entry.take(view, isForward: entry.isFromNode == isFromNode, moment.tick)
    }
    guard view.isICMPError, let quoted = view.quoted(bytes) else { return false }
    return flows.find(FlowKey(quoted, vlan: moment.vlan, isFromNode: !isFromNode), moment.tick) >= 0
  }

  /// From the node, then to the node.
  var coldHits: [UInt64] { (0..<(toNodeHits + toNode.count + Counter.count)).map { hits.sum($0) } }

  /// Goes on from what another list like this had counted.
  func coldAddHits(_ counts: [UInt64]) {
    guard counts.count == toNodeHits + toNode.count + Counter.count else { return }
    for (place, count) in counts.enumerated() { hits.add(place, of: 0, count) }
  }

  func coldStatus(_ tick: UInt32) -> RuleStatus {
    var status = RuleStatus(rules: rules)
    let (from, to) = (fromNode.count, toNode.count)
    if fromNode.isOn { status.fromNodeHits = (0...from).map { hits.sum($0) } }
    if toNode.isOn { status.toNodeHits = (0...to).map { hits.sum(toNodeHits + $0) } }
    status.fromNodeNeeded = hits.sum(from + Counter.needed)
    status.toNodeNeeded = hits.sum(toNodeHits + to + Counter.needed)
    status.fromNodeAnswers = hits.sum(from + Counter.answers)
    status.toNodeAnswers = hits.sum(toNodeHits + to + Counter.answers)
    status.flowCount = flows.coldList(tick).count
    status.flowLimit = flows.limit
    status.flowsWithoutState = flows.refusals
    status.learntAddresses = addresses.coldLearnt(tick).map(\.address)
    return status
  }
}
