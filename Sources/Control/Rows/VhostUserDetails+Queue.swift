import Dataplane

extension VhostUserDetails.Queue {
  init(_ status: QueueStatus) {
    (index, size, ring, isEnabled) = (status.index, status.size, status.ring, status.isEnabled)
    (availableIndex, usedIndex) = (status.availableIndex, status.usedIndex)
    (kicks, calls, worker) = (status.kicks, status.calls, status.worker)
    (segmented, merged, stopped) = (status.segmented, status.merged, status.stopped)
  }

  /// A daemon of an older version says less of it.
  package init(from decoder: any Decoder) throws {
    let row = try decoder.container(keyedBy: CodingKeys.self)
    index = try row.decode(Int.self, forKey: .index)
    size = try row.decode(Int.self, forKey: .size)
    ring = try row.decode(String.self, forKey: .ring)
    isEnabled = try row.decode(Bool.self, forKey: .isEnabled)
    availableIndex = try row.decode(Int.self, forKey: .availableIndex)
    usedIndex = try row.decode(Int.self, forKey: .usedIndex)
    kicks = try row.decode(UInt64.self, forKey: .kicks)
    calls = try row.decode(UInt64.self, forKey: .calls)
    worker = try row.decodeIfPresent(Int.self, forKey: .worker) ?? 0
    segmented = try row.decodeIfPresent(UInt64.self, forKey: .segmented) ?? 0
    merged = try row.decodeIfPresent(UInt64.self, forKey: .merged) ?? 0
    stopped = try row.decodeIfPresent(String.self, forKey: .stopped)
  }

  /// Every key is always there.
  package func encode(to encoder: any Encoder) throws {
    var row = encoder.container(keyedBy: CodingKeys.self)
    try row.encode(index, forKey: .index)
    try row.encode(size, forKey: .size)
    try row.encode(ring, forKey: .ring)
    try row.encode(isEnabled, forKey: .isEnabled)
    try row.encode(availableIndex, forKey: .availableIndex)
    try row.encode(usedIndex, forKey: .usedIndex)
    try row.encode(kicks, forKey: .kicks)
    try row.encode(calls, forKey: .calls)
    try row.encode(worker, forKey: .worker)
    try row.encode(segmented, forKey: .segmented)
    try row.encode(merged, forKey: .merged)
    try row.encode(stopped, forKey: .stopped)
  }
}
