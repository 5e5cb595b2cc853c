import Frames

/// Frames of a conversation that nothing but a list judges: most of them by a few words, in a loop that keeps what it needs in
/// registers.
///
/// Unsafe code. Invariants as in Burst.swift and RuleTable.swift: frames of the run are in the burst and their slots filled;
/// the last rule takes every frame; a flow stays where it is until one is added.
extension PortRuleSet {
  /// Frames of a burst that are judged together.
  struct Run: BitwiseCopyable {
    let start: Int
    let count: Int
    /// Those that something else has refused, a bit each.
    let gone: UInt64
    let isFromNode: Bool
  }

  /// Nothing but the list judges frames of a direction.
  @inline(__always)
  func judgesByListAlone(isFromNode: Bool) -> Bool {
    (isFromNode ? arrivalChecks : departureChecks).rawValue == Checks.access.rawValue
  }

  /// Judges frames one after the other; returns those that the list refuses, a bit each.
  @inline(never)
  mutating func judgeByList(_ run: Run, of burst: borrowing Burst, _ moment: Moment) -> UInt64 {
    precondition(run.start >= 0 && run.count >= 0 && run.start + run.count <= burst.count)
    return isStateful ? judgeByState(run, of: burst, moment) : judgeByRules(run, of: burst, moment)
  }

  private mutating func judgeByRules(_ run: Run, of burst: borrowing Burst, _ moment: Moment) -> UInt64 {
    var refused: UInt64 = 0
    var index = run.start
    let end = run.start &+ run.count
    while index < end {
      let rest = Run(start: index, count: end &- index, gone: run.gone, isFromNode: run.isFromNode)
      let alike = judgeAlike(rest, of: burst)
      if alike.count == 0 {
        if run.gone & 1 &<< UInt64(truncatingIfNeeded: index) == 0, !judgeWithCare(index, of: burst, moment, run) {
          refused |= 1 &<< UInt64(truncatingIfNeeded: index)
        }
        index &+= 1
      } else {
        let judged = (UInt64.max >> UInt64(64 - alike.count)) &<< UInt64(truncatingIfNeeded: index) & ~run.gone
        countRun(alike.number, judged.nonzeroBitCount, moment, run)
        if !alike.allows { refused |= judged }
        index &+= alike.count
      }
    }
    return refused
  }

  /// Finds the frames from the first one on that the same rule decides by their words alone.
  ///
  /// A function without a call in it, so that all it needs stays in registers.
  /// - Returns: how many there are, 0 if the first one is to be looked at with care, and the rule's number and verdict.
  @inline(never)
  private func judgeAlike(_ run: Run, of burst: borrowing Burst) -> (count: Int, number: Int32, allows: Bool) {
    let rules = unsafe run.isFromNode ? fromNode.head : toNode.head
    // SAFETY: the frames are in the burst.
    var slot = unsafe UnsafeRawPointer(burst.scratchSlot(run.start))
    var frame = unsafe UnsafePointer(burst.frames.base) + run.start
    let end = unsafe frame + run.count
    var gone = run.gone &>> UInt64(truncatingIfNeeded: run.start)
    var first: UnsafePointer<RuleTable.Rule>?
    while unsafe frame < end {
      if gone & 1 == 0 {
        guard let words = unsafe PlainWords(at: slot, filled: frame.pointee.scratchSize) else { break }
        var rule = unsafe rules
        while unsafe (words.word ^ rule.pointee.value) & rule.pointee.mask != 0
          || (words.addresses ^ rule.pointee.addresses) & rule.pointee.addressMask != 0
        {
          unsafe rule += 1
        }
        if unsafe rule != first {
          guard unsafe first == nil, unsafe rule.pointee.detail < 0 else { break }
          unsafe first = rule
        }
      }
      gone &>>= 1
      unsafe slot += Burst.scratchSlotSize
      unsafe frame += 1
    }
    let count = unsafe run.count &- (end - frame)
    guard let rule = unsafe first else { return (0, 0, false) }
    return unsafe (count, rule.pointee.number, rule.pointee.allows)
  }

  private mutating func judgeByState(_ run: Run, of burst: borrowing Burst, _ moment: Moment) -> UInt64 {
    // SAFETY: the frames are in the burst.
    var slot = unsafe UnsafeRawPointer(burst.scratchSlot(0)) + run.start &* Burst.scratchSlotSize
    var frame = unsafe UnsafePointer(burst.frames.base) + run.start
    let answers = Int32(truncatingIfNeeded: (run.isFromNode ? fromNode.count : toNode.count) + Counter.answers)
    var refused: UInt64 = 0
    var (number, tally) = (Int32(-1), 0)
    // The flow of the frame before.
    var (word, addresses) = (UInt64(0), UInt64(0))
    var flow: UnsafeMutablePointer<FlowEntry>?
    var isForward = false
    var index = run.start
    let end = run.start &+ run.count
    var bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: run.start)
    while index < end {
      if run.gone & bit == 0 {
        let words = unsafe PlainWords(at: slot, filled: frame.pointee.scratchSize)
        if let words, words.word != word || words.addresses != addresses {
          (word, addresses) = (words.word, words.addresses)
          unsafe flow = known(words, moment, run)
          isForward = unsafe flow.map { unsafe $0.pointee.isFromNode == run.isFromNode } ?? false
        }
        if let words, let entry = unsafe flow, unsafe entry.pointee.isPlain(words, isForward: isForward) {
          unsafe entry.pointee.lastSeen = moment.tick
          let decided = unsafe isForward ? Int32(entry.pointee.rule) : answers
          if decided != number {
            countRun(number, tally, moment, run)
            (number, tally) = (decided, 0)
          }
          tally &+= 1
        } else {
          if !judgeWithCare(index, of: burst, moment, run) { refused |= bit }
          // The flow may have come, gone or moved.
          word = 0
        }
      }
      index &+= 1
      bit &<<= 1
      unsafe slot += Burst.scratchSlotSize
      unsafe frame += 1
    }
    countRun(number, tally, moment, run)
    return refused
  }

  /// The flow of a frame; nil = it is not known.
  @unsafe @inline(never)
  private func known(_ words: PlainWords, _ moment: Moment, _ run: Run) -> UnsafeMutablePointer<FlowEntry>? {
    let place = flows.find(FlowKey(words, vlan: moment.vlan, isFromNode: run.isFromNode), moment.tick)
    return unsafe place >= 0 ? flows.address(of: place) : nil
  }

  /// Counts frames that a rule decided; 0xFFFF is none that is counted.
  @inline(never)
  private func countRun(_ number: Int32, _ frames: Int, _ moment: Moment, _ run: Run) {
    guard frames > 0, number >= 0, number != 0xFFFF else { return }
    count(Int(number), moment.worker, isFromNode: run.isFromNode, UInt64(truncatingIfNeeded: frames))
  }

  /// A frame of which more is to be seen; false = the list refuses it.
  @inline(never)
  private mutating func judgeWithCare(_ frame: Int, of burst: borrowing Burst, _ moment: Moment, _ run: Run) -> Bool {
    burst.look(frame)
    return passes(frame, of: burst, moment, isFromNode: run.isFromNode)
  }
}
