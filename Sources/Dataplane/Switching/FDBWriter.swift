extension FDB {
  /// A port's list of entries: numbers plus one; 0 = none.
  struct PortList: BitwiseCopyable {
    var oldest: UInt32 = 0
    var newest: UInt32 = 0
    var count = 0
    /// It had as many as it may, and has not become a tenth less since, nor was it emptied.
    var isFull = false
  }

  /// What only the holder of the lock may touch.
  struct Writer: ~Copyable {
    /// The first of the numbers that were used and are free again, plus one; 0 = none.
    var firstFree: UInt32 = 0
    // The first of the overflow lines that are free again, 0 = none, and how many were ever used.
    var firstFreeLine: UInt32 = 0
    var usedLines = 0
    private(set) var lists: FixedArray<PortList>
    /// A tree over the lists, each node the port below it that has most entries; the root is 1, and leaves are from
    /// `leafCount` on.
    private var fullest: FixedArray<UInt32>
    private var leafCount: Int
    /// Entries looked at or changed since the lock was taken.
    var entriesInHold = 0
    /// What the control side is to be told.
    var notes = FDBNotes()
    /// The table had as many as it may, and has not become a tenth less since.
    var isFull = false

    init(portCapacity: Int) {
      lists = FixedArray(count: portCapacity) { _ in PortList() }
      leafCount = 1
      fullest = FixedArray(count: 0) { _ in 0 }
      plantTree()
    }

    /// The port that has most entries, of several the one with the lowest number; nil if there are no ports.
    var fullestPort: Int? { lists.count > 0 ? Int(fullest[1]) : nil }

    mutating func reservePorts(_ capacity: Int) {
      guard capacity > lists.count else { return }
      lists.grow(to: max(capacity, 2 * lists.count)) { _ in PortList() }
      plantTree()
    }

    /// Entries of a port have become more or fewer.
    mutating func change(_ port: Int, by difference: Int) {
      lists[port].count += difference
      var node = (leafCount + port) / 2
      while node > 0 {
        fullest[node] = winner(below: node)
        node /= 2
      }
    }

    private mutating func plantTree() {
      leafCount = 1
      while leafCount < lists.count { leafCount *= 2 }
      let leafCount = leafCount
      fullest = FixedArray(count: 2 * leafCount) { UInt32(max($0 - leafCount, 0)) }
      for node in stride(from: leafCount - 1, to: 0, by: -1) { fullest[node] = winner(below: node) }
    }

    private func winner(below node: Int) -> UInt32 {
      let (left, right) = (fullest[2 * node], fullest[2 * node + 1])
      // Leaves behind the last port have none.
      guard Int(right) < lists.count else { return left }
      return lists[Int(right)].count > lists[Int(left)].count ? right : left
    }
  }
}
