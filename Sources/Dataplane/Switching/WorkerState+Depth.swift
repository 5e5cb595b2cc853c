/// How deep a frame is seen where it comes in: as deep as anything looks that judges frames of that port.
///
/// `receive`, and what else puts frames of a node into the burst, brings so much of each to scratch before anything looks,
/// once. A port that nobody looks deeper at has the rule.
extension WorkerState {
  /// Finds anew how deep frames from a port's node must be seen, after anything changed that looks at them.
  ///
  /// Whatever is to look at frames that come in says here how deep; if it decides what becomes of them, such frames are
  /// not plain any more (`Frame.isPlain`).
  func coldFindNeededDepth(_ port: Int) {
    let depth = max(Burst.scratchRule, taps.depth(of: ports[port].taps, .fromNode))
    ports[port].neededDepth = min(depth, Burst.scratchSlotSize)
  }

  func coldFindNeededDepths() {
    for port in 0..<ports.limit { coldFindNeededDepth(port) }
  }
}
