import Frames
import Glibc
internal import LinuxHost

/// The worker's part of a port by an interface of this host: a packet socket (packet(7)), which gives many small frames a
/// system call or one large one, each with a virtio-net header.
///
/// Not the socket's shared rings: one of version 3 gives its frames away by whole blocks, more than a millisecond late,
/// and those of versions 1 and 2 have room for the largest frame in each place (measured: docs/architecture.md).
struct NICPort: ~Copyable {
  /// Holds the socket open; nil = no interface.
  private var descriptor: Descriptor?
  private var raw: Int32 = -1
  /// The last call found something, or the kernel said that there is.
  private var isReadable = false
  /// The last frame was a large one, and so is the next as a rule: one a call, sent on while it is in the cache.
  private var expectsLarge = false
  /// Calls that failed since the last one that did not.
  private var failures = 0
  /// The interface is up and has its cable, as the kernel told last.
  private(set) var word = InterfaceWord()
  /// There may be frames from before the interface went down: they do not show that it is up.
  private(set) var hasOld = false
  /// Checksums may be left to the interface.
  private var takesPartialChecksums = false
  /// Large frames that may be sent uncut.
  private var takesLarge: LargeFrameTypes = []
  private let buffers = PacketBuffers()

  /// Of failures in a row, after which the kernel has to say that there is something.
  private static var patience: Int { 16 }

  init() {}

  /// The interface is open.
  var isOpen: Bool { raw >= 0 }

  /// What it is given as it is; nil while it is closed.
  var offers: (checksums: Bool, large: LargeFrameTypes)? { isOpen ? (takesPartialChecksums, takesLarge) : nil }

  mutating func open(_ descriptor: Descriptor, takesPartialChecksums: Bool, takesLarge: LargeFrameTypes) {
    raw = descriptor.raw
    self.descriptor = descriptor
    self.takesPartialChecksums = takesPartialChecksums
    self.takesLarge = takesLarge
    isReadable = true
  }

  var coldOpen: OpenPort {
    var open = OpenPort()
    open.descriptor = descriptor
    (open.isUp, open.takesPartialChecksums, open.takesLarge) = (word.isUp, takesPartialChecksums, takesLarge)
    return open
  }

  /// The kernel has told of the interface.
  mutating func note(_ word: InterfaceWord) {
    self.word = word
    if !word.isUp { hasOld = isOpen }
  }
}

extension NICPort: WorkerPort {
  static var carrierNews: CarrierNews { .nobody }
  var hasFrames: Bool { isReadable }
  func mayHaveFrames(among queues: UInt16) -> Bool { queues & 1 != 0 && hasFrames }
  var isThere: Bool { isOpen && word.isUp }
  var coldRefusal: EgressDrop? { isThere ? nil : .carrierDown }

  func egressTraits(mtu: Int) -> EgressTraits {
    // The kernel's part of the sending is done in the call, a veth's receiver too.
    EgressTraits(mtu: mtu, takesPartialChecksums: takesPartialChecksums, takesLarge: takesLarge, frameWork: 4)
  }

  @inline(never)
  mutating func receive(
    queue: Int, into burst: borrowing Burst, pool: borrowing ReceivePool, limit: Int, depth: Int
  ) -> RingFault? {
    var slot = 0
    while slot < limit {
      let wanted = expectsLarge ? 1 : limit - slot
      let count = buffers.receive(raw, from: slot, wanted)
      guard count > 0 else {
        noteFailure(count)
        break
      }
      failures = 0
      expectsLarge = takeIn(slot, count, burst)
      slot += count
      if expectsLarge || count < wanted { break }
    }
    burst.extendScratch(to: depth)
    return nil
  }

  /// Makes frames of what was received.
  ///
  /// - Returns: whether any is large.
  private func takeIn(_ first: Int, _ count: Int, _ burst: borrowing Burst) -> Bool {
    var hasLarge = false
    for slot in first..<first + count {
      guard var frame = buffers.frame(slot) else { continue }
      // Also with offloads off: the kernel joins frames as it likes, and this switch cuts them again.
      frame.judge(buffers.header(slot), allowsPartial: true, .all)
      let index = burst.count
      burst.frames[index] = frame
      burst.fillScratch(index, &burst.frames[index])
      burst.judgeLarge(index, &burst.frames[index])
      burst.count += 1
      if frame.size > PacketBuffers.smallSize { hasLarge = true }
    }
    return hasLarge
  }

  /// Nothing is there, or a frame was lost that the kernel had no header for, or the interface.
  private mutating func noteFailure(_ result: Int) {
    expectsLarge = false
    failures += 1
    if result == 0 || result == Int(-EAGAIN) { hasOld = false }
    if result == 0 || result == Int(-EAGAIN) || failures >= Self.patience {
      isReadable = false
      failures = 0
    }
  }

  @inline(never)
  func transmit(
    _ delivery: Delivery, of burst: borrowing Burst, notes: borrowing ScatterNotes
  ) -> TransmitOutcome {
    guard isOpen else { return .nobodyThere(delivery) }
    var outcome = TransmitOutcome()
    notes.packets.reset()
    for position in 0..<delivery.count {
      var leaving = delivery.frames(at: position, after: outcome)
      while let frame = leaving.next(of: burst) {
        var reason = frame.refusal
        if reason == nil, !notes.packets.add(frame, at: position, of: burst) {
          send(&outcome, delivery, notes)
          if !notes.packets.add(frame, at: position, of: burst) { reason = .guestFault }
        }
        guard let reason else { continue }
        outcome.drop(position, reason, of: delivery, leaving)
        break
      }
    }
    send(&outcome, delivery, notes)
    return outcome
  }

  /// Sends what was added, and drops what cannot be sent.
  private func send(_ outcome: inout TransmitOutcome, _ delivery: Delivery, _ notes: borrowing ScatterNotes) {
    var (next, lost) = (0, (position: -1, count: 0))
    while next < notes.packets.count {
      let result = notes.packets.send(raw, from: next)
      if result > 0 {
        for frame in next..<next + result { outcome.count(size: notes.packets.size(frame)) }
        next += result
        continue
      }
      let reason = Self.reason(result)
      // What is full or down for one is so for those behind it.
      let end = reason == .tapBusy || reason == .carrierDown ? notes.packets.count : next + 1
      for frame in next..<end {
        let position = notes.packets.position(frame)
        lost = (position, lost.position == position ? lost.count + 1 : 1)
        let isPart = frame > lost.count - 1 && notes.packets.position(frame - lost.count) == position
        outcome.drop(position, reason, of: delivery, losing: lost.count, afterOthers: isPart)
      }
      next = end
    }
    notes.packets.reset()
  }

  /// Why a frame was not sent, by what the kernel said.
  private static func reason(_ result: Int) -> EgressDrop {
    switch Int32(truncatingIfNeeded: 0 &- result) {
    case EFAULT: .guestFault
    case EINVAL, EMSGSIZE: .tooBig
    // The interface is down or gone, and the word of it is still on its way.
    case ENETDOWN, ENXIO, ENODEV: .carrierDown
    default: .tapBusy
    }
  }

  func arm(_ queues: UInt16, longest: Int64) -> Int64 { longest }
  func disarm(_ queues: UInt16) {}

  /// Also a failure is read, so that it is found.
  mutating func handle(_ event: PortEvent) { isReadable = isOpen }

  var queues: UInt16 { isOpen ? 1 : 0 }

  mutating func watch(_ queue: Int, port: Int, _ epoll: Epoll) {
    guard isOpen else { return }
    _ = epoll.watches(raw, EventToken(port: port))
    isReadable = true
  }

  mutating func unwatch(_ queue: Int, _ epoll: Epoll) {
    if isOpen { epoll.remove(raw) }
  }

  mutating func close(_ epoll: Epoll) {
    if isOpen { epoll.remove(raw) }
    raw = -1
    descriptor = nil
    word.isUp = false
    (isReadable, hasOld) = (false, false)
    expectsLarge = false
    takesPartialChecksums = false
    takesLarge = []
  }
}
