import Dataplane

/// Requests for the address of a neighbour (ARP, RFC 826) that came into ports and that nobody has answered: what the
/// flight recorder knows of them, and which of them are asked again.
///
/// A request is broadcast and its sender expects that it may be lost, so that a second one changes nothing for anybody.
/// What a node itself asks again is a new request. Bounded by the port, so that no node can crowd out another's.
struct AddressRequests {
  /// A request as it came in.
  struct Request: Equatable {
    var port: String
    var frame: [UInt8]
  }

  /// Requests that are asked again at once, remembered of each port, and how often each is asked again.
  static let roundLimit = 64
  static let portLimit = 16
  static let repeatLimit = 5
  /// Nanoseconds: an older request is not asked again.
  ///
  /// Its sender has asked again by itself, or does not care any more.
  var lifetime: UInt64 = 2_000_000_000

  private struct Entry {
    var frame: [UInt8]
    var message: ARPMessage
    var timestamp: UInt64
    var repeats = 0
    /// Repeats that the recorder has not shown yet.
    var echoes = 0
    var isAnswered = false
  }

  /// By port, the oldest first.
  private var entries: [String: [Entry]] = [:]

  init() {}

  /// Takes note of what has come in.
  mutating func note(_ recording: FlightRecording) {
    // When something was answered last, by the request that it answers.
    var answers: [ARPMessage: UInt64] = [:]
    for frame in recording where frame.length == frame.bytes.count {
      guard let message = ARPMessage(frame: frame.bytes) else { continue }
      if message.isRequest {
        if !frame.isSent, Self.isWanted(frame) { note(frame, message, recording.ports[frame.port].name) }
      } else if frame.outputCount > 0, frame.drop == .none {
        answers[message.answered] = frame.timestamp
      }
    }
    guard !answers.isEmpty else { return }
    for (port, known) in entries {
      for (place, entry) in known.enumerated() {
        guard let time = answers[entry.message.anonymous], time >= entry.timestamp else { continue }
        entries[port]?[place].isAnswered = true
      }
    }
  }

  /// Whether the switch took the frame in, and no impairment lost it.
  ///
  /// What was dropped stays dropped; but that it did not reach everybody is no reason, it is the matter.
  private static func isWanted(_ frame: RecordedFrame) -> Bool {
    guard frame.bytes.prefix(6).allSatisfy({ $0 == 0xFF }) else { return false }
    let isLost = [.impairedLoss, .impairedQueue].contains { frame.drop == FrameDrop($0) }
    return !isLost && (frame.outputCount > 0 || !frame.drop.isIngress)
  }

  private mutating func note(_ frame: RecordedFrame, _ message: ARPMessage, _ port: String) {
    var known = entries[port] ?? []
    if let place = known.firstIndex(where: { $0.frame == frame.bytes }) {
      var entry = known.remove(at: place)
      if entry.echoes > 0 {
        // Our own: it came in by the same port.
        entry.echoes -= 1
        known.insert(entry, at: place)
      } else {
        known.append(Entry(frame: frame.bytes, message: message, timestamp: frame.timestamp))
      }
    } else {
      if known.count >= Self.portLimit { known.removeFirst() }
      known.append(Entry(frame: frame.bytes, message: message, timestamp: frame.timestamp))
    }
    entries[port] = known
  }

  /// The requests that are to be asked again now, each port's newest first.
  /// - Parameters:
  ///   - up: ports that have a carrier; others' requests would be dropped.
  ///   - now: nanoseconds since 1970.
  mutating func takeRound(up: Set<String>, now: UInt64) -> [Request] {
    var candidates: [(repeats: Int, rank: Int, port: String, place: Int)] = []
    for (port, known) in entries where up.contains(port) {
      var rank = 0
      for place in known.indices.reversed() {
        let entry = known[place]
        guard !entry.isAnswered, entry.repeats < Self.repeatLimit, now < entry.timestamp + lifetime else {
          continue
        }
        candidates.append((entry.repeats, rank, port, place))
        rank += 1
      }
    }
    // Those that were asked least come first, and every port once before any comes twice.
    candidates.sort { ($0.repeats, $0.rank, $0.port) < ($1.repeats, $1.rank, $1.port) }
    return candidates.prefix(Self.roundLimit).compactMap { candidate in
      entries[candidate.port]?[candidate.place].repeats += 1
      entries[candidate.port]?[candidate.place].echoes += 1
      return entries[candidate.port].map { Request(port: candidate.port, frame: $0[candidate.place].frame) }
    }
  }
}

/// What an ARP frame for IPv4 over Ethernet says, untagged or with one 802.1Q tag.
struct ARPMessage: Hashable {
  var isRequest: Bool
  /// Stations and IPv4 addresses of who sends it, and of whom it is for.
  var senderStation, senderAddress, targetStation, targetAddress: ArraySlice<UInt8>

  /// nil for any other frame, and for one that asks for its own sender (an announcement).
  init?(frame: [UInt8]) {
    let isTagged = frame.count >= 16 && frame[12] == 0x81 && frame[13] == 0
    let body = frame.dropFirst(isTagged ? 16 : 12)
    // Type ARP; Ethernet, IPv4, addresses of 6 and 4 bytes; 1 = request, 2 = reply.
    guard body.count >= 30, body.prefix(9) == [8, 6, 0, 1, 8, 0, 6, 4, 0] else { return nil }
    let start = body.startIndex + 9
    guard body[start] == 1 || body[start] == 2 else { return nil }
    isRequest = body[start] == 1
    senderStation = body[(start + 1)..<(start + 7)]
    senderAddress = body[(start + 7)..<(start + 11)]
    targetStation = body[(start + 11)..<(start + 17)]
    targetAddress = body[(start + 17)..<(start + 21)]
    if senderAddress == targetAddress { return nil }
  }

  /// The request without the station that it asks for, which some senders fill with their last knowledge.
  var anonymous: ARPMessage {
    var message = self
    message.targetStation = []
    return message
  }

  /// The request that this reply answers, without the station that it asked for.
  var answered: ARPMessage {
    var message = self
    message.isRequest = true
    (message.senderStation, message.targetStation) = (targetStation, [])
    (message.senderAddress, message.targetAddress) = (targetAddress, senderAddress)
    return message
  }
}
