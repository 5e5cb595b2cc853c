import GuestKit
import LinuxHost
import Synchronization
import TestSupport

/// Frames that guests have had of each other, for those who send no more than there is room for.
final class TalkCounts: Sendable {
  private let received: [CountCell]
  private let guests: Int

  final class CountCell: Sendable {
    let value = Atomic<Int>(0)
  }

  init(guests: Int) {
    self.guests = guests
    received = (0..<guests * guests).map { _ in CountCell() }
  }

  func add(from sender: Int, to receiver: Int) {
    received[sender * guests + receiver].value.add(1, ordering: .releasing)
  }

  func count(from sender: Int, to receiver: Int) -> Int {
    received[sender * guests + receiver].value.load(ordering: .acquiring)
  }

  var guestCount: Int { guests }
}

/// A guest on a thread of its own that sends numbered frames to the next two guests, and looks whether those that come to it
/// are all there and in order.
final class Talker: @unchecked Sendable {
  /// Frames of one sender to one receiver that are on their way at most: three senders have room in a ring of 256.
  private static let window = 80

  private let guest: VirtualGuest
  private let number: Int
  private let counts: TalkCounts
  private var thread: HostThread?
  private let isDone = Atomic<Bool>(false)
  private let found = Mutex<String?>(nil)
  /// The number of the last frame of each guest.
  private var last: [Int]

  init(_ guest: VirtualGuest, number: Int, _ counts: TalkCounts) {
    self.guest = guest
    self.number = number
    self.counts = counts
    last = Array(repeating: -1, count: counts.guestCount)
  }

  var hasEnded: Bool { isDone.load(ordering: .acquiring) }
  /// What went wrong.
  var problem: String? { found.withLock { $0 } }

  private func frame(_ index: Int, to receiver: Int) -> [UInt8] {
    var payload = [UInt8](repeating: 0, count: 46)
    for byte in 0..<8 { payload[byte] = UInt8(truncatingIfNeeded: index >> (8 * byte)) }
    payload[8] = UInt8(number)
    return FrameBuilder.station(receiver + 1) + FrameBuilder.station(number + 1) + [0x88, 0xB5] + payload
  }

  /// Lets the switch know where the guest is.
  func introduce() throws {
    try guest.send(
      FrameBuilder.broadcast + FrameBuilder.station(number + 1) + [0x88, 0xB6] + [UInt8](repeating: 0, count: 46))
    _ = try guest.waitForTransmitted()
  }

  /// Takes what came so far.
  func drain() throws {
    while try guest.receive(timeout: 50) != nil {}
  }

  /// Sends so many frames to each of two others, and waits for as many of each of two.
  func start(frames: Int) throws {
    thread = try HostThread.start(name: "guest\(number)", cpu: nil) { [self] in
      do {
        try run(frames)
      } catch {
        found.withLock { $0 = $0 ?? "guest \(number): \(error)" }
      }
      isDone.store(true, ordering: .releasing)
    }
  }

  func join() { thread?.join() }

  private func run(_ frames: Int) throws {
    let receivers = [1, 2].map { (number + $0) % counts.guestCount }
    let senders = [1, 2].map { (number + counts.guestCount - $0) % counts.guestCount }
    var sent = [0, 0]
    var deadline = Deadline(milliseconds: 60_000)
    while sent.contains(where: { $0 < frames }) || senders.contains(where: { last[$0] < frames - 1 }) {
      var burst: [[UInt8]] = []
      for (place, receiver) in receivers.enumerated() {
        let room = Self.window - (sent[place] - counts.count(from: number, to: receiver))
        for _ in 0..<min(room, 16, frames - sent[place]) {
          burst.append(frame(sent[place], to: receiver))
          sent[place] += 1
        }
      }
      if !burst.isEmpty { try guest.send(burst: burst) }
      var hasReceived = false
      while let received = try guest.receive(timeout: burst.isEmpty && !hasReceived ? 1 : 0) {
        hasReceived = true
        try take(received.frame)
      }
      if hasReceived || !burst.isEmpty { deadline = Deadline(milliseconds: 60_000) }
      guard deadline.remaining > 0 else {
        throw GuestKitError.timeout("guest \(number) sent \(sent) of \(frames), and had \(last)")
      }
    }
    _ = try guest.waitForTransmitted()
  }

  private func take(_ frame: [UInt8]) throws {
    let index = (0..<8).reduce(0) { $0 | Int(frame[14 + $1]) << (8 * $1) }
    let sender = Int(frame[22])
    guard frame[13] == 0xB5, sender < last.count else { throw GuestKitError.violation("a frame of nobody") }
    guard index == last[sender] + 1 else {
      throw GuestKitError.violation("frame \(index) of guest \(sender) came after \(last[sender])")
    }
    last[sender] = index
    counts.add(from: sender, to: number)
  }
}
