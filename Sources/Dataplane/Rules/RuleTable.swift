import Frames

/// The rules of one direction, made ready for the loop: words of a frame are compared under masks, one rule after the other.
///
/// What cannot be seen of a frame never fits a rule that allows and needs it, and always fits one that denies.
///
/// Unsafe code. Invariants: `rules` ends with one that every frame fits, so that a walk ends within it.
@safe
struct RuleTable: ~Copyable {
  /// A rule as the loop has it.
  struct Rule: BitwiseCopyable {
    /// Of `FrameView.word`: ports and protocol, and in the mask the kinds that it does not take.
    var value: UInt64 = 0
    var mask: UInt64 = 0
    /// Of `FrameView.source`.
    var addresses: UInt64 = 0
    var addressMask: UInt64 = 0
    /// Number of the rest of it in `details`; -1 = that is all.
    var detail: Int32 = -1
    var number: Int32 = 0
    var allows = false
  }

  /// What few rules have.
  struct Detail {
    /// Of IPv6: both halves of source and destination, and their masks.
    var values = SIMD4<UInt64>()
    var masks = SIMD4<UInt64>()
    /// Of `FrameView.link`.
    var link: UInt64 = 0
    var linkMask: UInt64 = 0
    /// Places in `ranges`, of destination ports and of source ports.
    var ports = 0..<0
    var sourcePorts = 0..<0
  }

  /// The direction has a list; otherwise all pass.
  private(set) var isOn = false
  /// Without the last one.
  private(set) var count = 0
  private var rules = FixedArray<Rule>(count: 1) { _ in Rule() }
  private var details = FixedArray<Detail>(empty: ())
  private var ranges = FixedArray<ClosedRange<UInt16>>(empty: ())

  /// Lets everything pass.
  init() {}

  /// - Parameter list: nil = everything passes.
  init(_ list: [AccessRule]?) {
    guard let list else { return }
    var compiler = RuleCompiler()
    for rule in list { compiler.add(rule) }
    isOn = true
    count = list.count
    let (made, detailed, spans) = (compiler.rules, compiler.details, compiler.ranges)
    rules = FixedArray(count: count + 1) { $0 < made.count ? made[$0] : Rule(number: Int32(made.count)) }
    details = FixedArray(count: detailed.count) { detailed[$0] }
    ranges = FixedArray(count: spans.count) { spans[$0] }
  }

  /// What the list says of a frame.
  struct Decision: BitwiseCopyable, Equatable {
    /// Of the rule, from 0 on; `count` = none, and the default; one more = none, and the frame is needed.
    var number: Int
    var allows: Bool
  }

  /// The first rule; the last one takes every frame.
  @unsafe var head: UnsafePointer<Rule> { unsafe UnsafePointer(rules.base) }

  /// The first rule that a frame fits.
  @inline(__always)
  func decide(_ view: FrameView) -> Decision {
    guard view.unseen.isEmpty else { return decideUnseen(view) }
    let (word, addresses) = (view.word, view.source)
    // SAFETY: the last rule takes every frame: the walk ends there at the latest.
    var rule = unsafe UnsafePointer(rules.base)
    while true {
      if unsafe (word ^ rule.pointee.value) & rule.pointee.mask == 0,
        unsafe (addresses ^ rule.pointee.addresses) & rule.pointee.addressMask == 0,
        unsafe rule.pointee.detail < 0 || fits(view, detail: Int(rule.pointee.detail))
      {
        let number = unsafe Int(rule.pointee.number)
        guard number == count else { return unsafe Decision(number: number, allows: rule.pointee.allows) }
        return byDefault(view)
      }
      unsafe rule += 1
    }
  }

  @inline(__always)
  private func byDefault(_ view: FrameView) -> Decision {
    let isNeeded = !view.kind.isDisjoint(with: .needed)
    return Decision(number: isNeeded ? count + 1 : count, allows: isNeeded)
  }

  @inline(never)
  private func fits(_ view: FrameView, detail number: Int) -> Bool {
    let detail = details[number]
    let words = SIMD4(view.source, view.sourceLow, view.destination, view.destinationLow)
    let differences = (words ^ detail.values) & detail.masks
    return differences == .zero && (view.link ^ detail.link) & detail.linkMask == 0
      && has(view.destinationPort, in: detail.ports) && has(view.sourcePort, in: detail.sourcePorts)
  }

  private func has(_ port: UInt16, in places: Range<Int>) -> Bool {
    guard !places.isEmpty else { return true }
    for place in places where ranges[place].contains(port) { return true }
    return false
  }

  /// The same for a frame of which not all was seen.
  @inline(never)
  private func decideUnseen(_ view: FrameView) -> Decision {
    guard !view.form.contains(.overlapping) else { return Decision(number: count, allows: false) }
    let certain = view.possibleKinds
    let possible = certain.union(view.possibleNeeds)
    for number in 0..<count {
      let rule = rules[number]
      let refused = FrameKind(rawValue: rule.mask >> 40)
      let isAllowed = rule.allows
      guard isAllowed ? certain.isDisjoint(with: refused) : !refused.isSuperset(of: possible) else { continue }
      if unseenFits(view, rule) { return Decision(number: number, allows: isAllowed) }
    }
    return byDefault(view)
  }

  /// The kinds fit; each other thing that is not seen fits a rule that denies, and none that allows.
  private func unseenFits(_ view: FrameView, _ rule: Rule) -> Bool {
    let detail = rule.detail < 0 ? Detail() : details[Int(rule.detail)]
    let seesTransport = view.unseen.isDisjoint(with: [.type, .transport])
    let seesPorts = seesTransport && !view.unseen.contains(.ports)
    let ofPorts = rule.mask & 0xFFFF_FFFF
    let ofProtocol = rule.mask & 0xFF_0000_0000
    let differences = (view.word ^ rule.value) & (ofPorts | ofProtocol)
    if ofProtocol != 0, seesTransport ? differences & ofProtocol != 0 : rule.allows { return false }
    if ofPorts != 0 || !detail.ports.isEmpty || !detail.sourcePorts.isEmpty {
      let fits =
        differences & ofPorts == 0 && has(view.destinationPort, in: detail.ports)
        && has(view.sourcePort, in: detail.sourcePorts)
      if seesPorts ? !fits : rule.allows { return false }
    }
    let words = SIMD4(view.source, view.sourceLow, view.destination, view.destinationLow)
    if rule.addressMask != 0 || detail.masks != .zero {
      let fits =
        (view.source ^ rule.addresses) & rule.addressMask == 0 && (words ^ detail.values) & detail.masks == .zero
      if view.unseen.isDisjoint(with: [.type, .addresses]) ? !fits : rule.allows { return false }
    }
    let ofStation = detail.linkMask & 0xFFFF_FFFF_FFFF
    guard (view.link ^ detail.link) & ofStation == 0 else { return false }
    guard detail.linkMask >> 48 != 0 else { return true }
    return view.unseen.contains(.type) ? !rule.allows : (view.link ^ detail.link) & detail.linkMask == 0
  }
}
