import Frames
import Glibc
internal import LinuxHost

/// Frames on their way to the peer at a socket, of a stream or of datagrams: many with one system call.
///
/// The kernel's queue at the socket is the port's queue, as an interface's is for a TAP. When it is full, a frame of which a
/// stream has taken a part goes on from the store; so do datagrams up to the store's size, as a kernel queues no more than
/// ten of them. Others are dropped until the kernel says that there is room.
struct SocketOutput: ~Copyable {
  /// Bytes of a stream's store: one frame with its length; and of the store for datagrams.
  private static var streamStore: Int { Ethernet.maximumFrameSize + StreamInput.lengthSize }
  private static var datagramStore: Int { 256 << 10 }
  /// Times that the kernel says there is room while nobody waits for it, before it is asked to be silent.
  private static var patience: Int { 64 }

  private let isStream: Bool
  private(set) var raw: Int32 = -1
  /// The socket is full: nothing is sent until there is room.
  private(set) var awaitsRoom = false
  /// The peer was found to be gone, and that was said.
  private(set) var isDead = false
  private var backlog = FrameBacklog()
  /// Who is told of room, and the token to tell it with; it is told while `isWatchingRoom`.
  private var watcher: (epoll: Epoll, token: EventToken)?
  private var isWatchingRoom = false
  private var needlessNews = 0

  init(isStream: Bool) { self.isStream = isStream }

  var isOpen: Bool { raw >= 0 && !isDead }

  mutating func open(_ raw: Int32) {
    close()
    self.raw = raw
    backlog.open(capacity: isStream ? Self.streamStore : Self.datagramStore)
  }

  /// The peer is another one: what its predecessor had not taken is gone.
  mutating func begin() {
    (awaitsRoom, isDead) = (false, false)
    backlog.empty()
  }

  mutating func close() {
    raw = -1
    (awaitsRoom, isDead, isWatchingRoom) = (false, false, false)
    watcher = nil
    backlog.close()
  }

  /// What the socket had no room for.
  var coldRest: [UInt8] { backlog.coldRest }

  /// Takes what another process had no room for, which goes first; false if it cannot be.
  mutating func coldRestore(_ bytes: [UInt8]) -> Bool {
    guard backlog.coldRestore(bytes, isWhole: !isStream) else { return false }
    if !bytes.isEmpty { coldAwaitRoom() }
    return true
  }

  /// Hands frames over; called under the port's lock where there are several workers.
  mutating func transmit(
    _ delivery: Delivery, of burst: borrowing Burst, _ batch: borrowing SendBatch
  ) -> TransmitOutcome {
    guard isOpen else { return .nobodyThere(delivery) }
    var outcome = TransmitOutcome()
    guard !awaitsRoom || !isStream else {
      outcome.drop(from: 0, .tapBusy, of: delivery)
      return outcome
    }
    batch.reset()
    var position = 0
    while position < delivery.count {
      var leaving = delivery.frames(at: position, after: outcome)
      while let frame = leaving.next(of: burst) {
        if let reason = frame.refusal {
          outcome.drop(position, reason, of: delivery, leaving)
          break
        }
        if !batch.note(frame, leaving, at: position, hasLength: isStream, of: burst) {
          let (reason, dropped) = send(batch, delivery, &outcome)
          batch.reset()
          if let reason {
            if dropped != position { outcome.drop(position, reason, of: delivery, leaving) }
            outcome.drop(from: position + 1, reason, of: delivery)
            return outcome
          }
          // Alone it is in more pieces than a kernel takes, or those before it of its large frame were not taken.
          guard dropped != position, batch.note(frame, leaving, at: position, hasLength: isStream, of: burst) else {
            if dropped != position { outcome.drop(position, .guestFault, of: delivery, leaving) }
            break
          }
        }
        outcome.count(frame)
      }
      position += 1
    }
    _ = send(batch, delivery, &outcome)
    return outcome
  }

  /// Sends a batch.
  ///
  /// - Returns: why frames that come now need not be tried, nil if they may be; and the last place in the delivery of which
  ///   something was dropped, -1 = none.
  private mutating func send(
    _ batch: borrowing SendBatch, _ delivery: Delivery, _ outcome: inout TransmitOutcome
  ) -> (reason: EgressDrop?, dropped: Int) {
    var (first, width, dropped) = (0, batch.count, -1)
    while first < batch.count {
      guard !awaitsRoom else { return keep(batch, from: first, delivery, &outcome) }
      let limit = min(first + width, batch.count)
      let sent = isStream ? batch.sendBytes(from: first, to: limit, raw) : batch.sendDatagrams(from: first, raw)
      if sent >= 0 {
        first = isStream ? wholeFrames(batch, first, limit, sent) : first + sent
        if first < limit { return keep(batch, from: first, delivery, &outcome) }
        continue
      }
      switch Int32(truncatingIfNeeded: -sent) {
      case EINTR: continue
      case EAGAIN:
        coldAwaitRoom()
      // A piece that the kernel cannot read is its sender's loss: which one is found one by one.
      case EFAULT, EMSGSIZE:
        if isStream, width > 1 {
          width = 1
        } else {
          dropped = Int(batch[first].position)
          let reason: EgressDrop = sent == -Int(EFAULT) ? .guestFault : .tooBig
          first = drop(batch, from: first, to: end(of: dropped, batch, first), reason, delivery, &outcome)
        }
      case ENOBUFS, ENOMEM:
        _ = drop(batch, from: first, to: batch.count, .tapBusy, delivery, &outcome)
        return (.tapBusy, Int(batch[batch.count - 1].position))
      default:
        isDead = true
        outcome.fault = RingFault(.peerLeft)
        _ = drop(batch, from: first, to: batch.count, .carrierDown, delivery, &outcome)
        return (.carrierDown, Int(batch[batch.count - 1].position))
      }
    }
    return (nil, dropped)
  }

  /// The first entry that has not gone as a whole when a stream took `sent` bytes from entry `first` on; a half sent one is
  /// kept, and counts as gone.
  private mutating func wholeFrames(_ batch: borrowing SendBatch, _ first: Int, _ limit: Int, _ sent: Int) -> Int {
    let end = batch.start(of: first) + sent
    var entry = first
    while entry < limit, Int(batch[entry].end) <= end { entry += 1 }
    guard entry < limit else { return limit }
    let gone = end - batch.start(of: entry)
    coldAwaitRoom()
    if gone > 0 {
      // There is room: the store is empty, and no frame is longer.
      _ = backlog.append(entry, of: batch, gone: gone, hasLength: true)
      entry += 1
    }
    return entry
  }

  /// The socket is full: datagrams are kept as far as the store has room, the rest is dropped.
  private mutating func keep(
    _ batch: borrowing SendBatch, from first: Int, _ delivery: Delivery, _ outcome: inout TransmitOutcome
  ) -> (reason: EgressDrop?, dropped: Int) {
    var entry = first
    if !isStream {
      while entry < batch.count, backlog.append(entry, of: batch, gone: 0, hasLength: false) { entry += 1 }
      if !awaitsRoom { coldAwaitRoom() }
    }
    guard entry < batch.count else { return (isStream ? .tapBusy : nil, -1) }
    _ = drop(batch, from: entry, to: batch.count, .tapBusy, delivery, &outcome)
    return (.tapBusy, Int(batch[batch.count - 1].position))
  }

  /// Takes entries back that were counted as gone; returns `limit`.
  private func drop(
    _ batch: borrowing SendBatch, from first: Int, to limit: Int, _ reason: EgressDrop, _ delivery: Delivery,
    _ outcome: inout TransmitOutcome
  ) -> Int {
    var last = -1
    for entry in first..<limit {
      outcome.packets -= 1
      outcome.bytes -= Int(batch[entry].size)
      let position = Int(batch[entry].position)
      guard position != last else { continue }
      last = position
      outcome.drop(
        position, reason, of: delivery, losing: Int(batch[entry].lost), isPartlyGone: batch[entry].isPartlyGone)
    }
    return limit
  }

  /// The entry behind those of one place in the delivery.
  private func end(of position: Int, _ batch: borrowing SendBatch, _ first: Int) -> Int {
    var entry = first
    while entry < batch.count, Int(batch[entry].position) == position { entry += 1 }
    return entry
  }

  // Room.

  /// Why nothing would be taken at this moment; nil = it would be tried.
  var coldRefusal: EgressDrop? {
    guard isOpen else { return .carrierDown }
    return awaitsRoom && isStream ? .tapBusy : nil
  }

  /// The kernel tells the worker of the port's queue when there is room again.
  @inline(never)
  private mutating func coldAwaitRoom() {
    awaitsRoom = true
    if !isWatchingRoom { coldWatchRoom(true) }
  }

  private mutating func coldWatchRoom(_ isWatching: Bool) {
    guard let watcher else { return }
    isWatchingRoom = isWatching
    needlessNews = 0
    // A descriptor that is watched can be watched for something else.
    try? watcher.epoll.modify(raw, token: watcher.token.word, events: events)
  }

  /// What is asked of the kernel.
  private var events: UInt32 {
    Epoll.input | Epoll.edgeTriggered | (isStream ? Epoll.readHangup : 0) | (isWatchingRoom ? Epoll.output : 0)
  }

  /// There is room, or may be: what is kept goes first.
  mutating func coldMakeRoom() {
    guard isOpen else { return }
    guard awaitsRoom else {
      // Each read of a peer that keeps up is such news.
      needlessNews += 1
      if needlessNews >= Self.patience, isWatchingRoom { coldWatchRoom(false) }
      return
    }
    needlessNews = 0
    let code = isStream ? backlog.flushBytes(to: raw) : backlog.flushDatagrams(to: raw)
    switch code {
    case EAGAIN: return
    // Nobody would tell of an end of that: the kernel is asked to look at once.
    case EINTR, ENOBUFS, ENOMEM: coldWatchRoom(true)
    case 0: awaitsRoom = false
    default:
      // The next frame finds what it is.
      backlog.empty()
      awaitsRoom = false
    }
  }

  /// Has an epoll tell of frames, and of room if that is waited for; false if it cannot.
  mutating func coldWatch(_ epoll: Epoll, _ token: EventToken) -> Bool {
    watcher = (epoll, token)
    isWatchingRoom = isWatchingRoom || awaitsRoom
    do throws(SystemError) {
      try epoll.add(raw, token: token.word, events: events)
      return true
    } catch {
      return false
    }
  }

  mutating func coldUnwatch() {
    guard let watcher else { return }
    watcher.epoll.remove(raw)
    self.watcher = nil
  }
}
