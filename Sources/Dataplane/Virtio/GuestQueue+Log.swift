/// Whether a delivery notes the pages that it writes: the compiler makes one of each, so that what is not logged pays
/// no more than one look a delivery.
protocol DeliveryLogging {
  static var isOn: Bool { get }
}

enum WithoutLog: DeliveryLogging {
  @inline(__always) static var isOn: Bool { false }
}

enum WithLog: DeliveryLogging {
  @inline(__always) static var isOn: Bool { true }
}

/// A queue whose pages are logged: it does the same, and marks what it has written.
///
/// Buffers are marked behind the writing and before they are published; the ring's own words behind their stores.
extension GuestQueue where Format: ~Copyable {
  @inline(never)
  mutating func transmitLogged(
    _ delivery: Delivery, of burst: borrowing Burst, notes: borrowing ScatterNotes, memory: GuestMemory
  ) -> TransmitOutcome {
    let outcome = transmit(delivery, of: burst, notes: notes, memory: memory, WithLog.self)
    log?.element.flush()
    return outcome
  }

  /// Publishes, and marks the used entries and what tells of them.
  @inline(never)
  mutating func publishLogged() {
    guard let log else { return }
    ring.noteUnpublished(in: &log.element)
    ring.publish()
    log.element.flush()
  }

  /// The driver was told whether to kick.
  func logWish() {
    guard let log else { return }
    ring.noteWish(in: &log.element)
    log.element.flush()
  }

  /// Notes the first `size` bytes of the pieces that a frame was written to.
  @inline(never)
  mutating func noteTargets(_ targets: borrowing FixedArray<Segment>, _ size: Int, _ memory: GuestMemory) {
    guard let log else { return }
    var (left, piece) = (size, 0)
    while left > 0, piece < targets.count {
      let target = targets[piece]
      let written = min(target.size, left)
      if written > 0, let address = memory.guestAddress(of: target) {
        log.element.note(address, UInt64(truncatingIfNeeded: written))
      }
      left -= written
      piece += 1
    }
  }
}
