import Foundation
import LinuxHost
import TestSupport

/// Traffic to a machine that moves, chosen so that one page that did not come along shows.
///
/// - Connections whose data lies unread in the guest's buffers over the whole move: written by the switch alone, and looked
///   at when the machine has arrived. What QEMU did not copy again after that has another sum.
/// - A connection that goes on during the move, into a file in the guest's memory.
/// - A file in the guest's memory that was there before, and one that the guest writes again and again.
/// - Pings.
struct MigrationLoad {
  /// How the pings fared.
  struct Pings: CustomStringConvertible {
    /// Up to the last one that was answered: those behind it had no time.
    var sent: Int
    var answered: Int
    /// Answers to one that was answered before.
    var repeated: Int
    /// Between two answers.
    var longestSilenceMilliseconds: Int

    var lost: Int { sent - answered }

    var description: String {
      "\(lost) of \(sent) pings lost, \(repeated) repeated, silent for \(longestSilenceMilliseconds) ms"
    }
  }

  /// Milliseconds from one ping to the next.
  static let pingInterval = 5

  private static let pieces = [5001, 5002]
  /// Bytes of both pieces' six million that have to lie in the guest's buffers.
  private static let unread = 4_000_000
  private let pair: HostPair
  private let folder: String
  private let sums: [String: String]
  private let pinging: ProcessIdentity
  private let streaming: ProcessIdentity

  /// Begins with what is there during the whole move; the guest must be up.
  /// - Parameter pause: between two pieces of the connection that goes on, 192 in all; in seconds.
  init(_ pair: HostPair, to machine: MovingMachine, pause: Double = 0.08) async throws {
    self.pair = pair
    folder = pair.left.folder
    // 3 MiB each for what lies unread, 24 MiB for what flows.
    let makes =
      "for n in \(Self.pieces.map(String.init).joined(separator: " ")); do head -c 3M /dev/urandom >\(folder)/$n; done; "
      + "head -c 24M /dev/urandom >\(folder)/5000; md5sum \(folder)/500?"
    let lines = try await pair.shell(makes).split(separator: "\n").map { $0.split(separator: " ") }
    sums = Dictionary(uniqueKeysWithValues: lines.map { (String($0[1].suffix(4)), String($0[0])) })
    let isReady = try machine.guest(
      """
      rm -rf /tmp/*; mkfifo /tmp/open
      echo '4096 6291456 8388608' >/proc/sys/net/ipv4/tcp_rmem
      head -c 12000000 /dev/urandom >/tmp/kept; md5sum </tmp/kept >/tmp/kept.sum
      head -c 2000000 /dev/urandom >/tmp/noise
      (while :; do cp /tmp/noise /tmp/noise.new; usleep 10000; done) >/dev/null 2>&1 &
      (nc -l -p 5000 <>/tmp/open >/tmp/stream; : >/tmp/stream.end) >/dev/null 2>&1 &
      for n in \(Self.pieces.map(String.init).joined(separator: " ")); do
        (nc -l -p $n <>/tmp/open | (until [ -e /tmp/go ]; do usleep 100000; done; md5sum >/tmp/$n.new
          mv /tmp/$n.new /tmp/$n.sum)) >/dev/null 2>&1 &
      done
      """)
    guard isReady else { throw Failure("the guest has not prepared itself") }
    try? FileManager.default.removeItem(atPath: "\(folder)/pings")
    pinging = try pair.left.start(
      ["ping", "-D", "-i", "\(Double(Self.pingInterval) / 1000)", MovingMachine.address], log: "pings",
      namespace: pair.station)
    // In small pieces, so that it lasts.
    let flows =
      "for n in $(seq 0 191); do dd if=\(folder)/5000 bs=128K skip=$n count=1 2>/dev/null; sleep \(pause); done "
      + "| \(Self.sends(5000))"
    streaming = try pair.left.start(["sh", "-c", flows], log: "stream.log", namespace: pair.station)
  }

  /// Fills the guest's buffers; returns when most of the data lies in them, of these connections alone.
  /// - Parameter machine: where the guest runs.
  /// - Returns: false if the machine has moved before that, as it may where the guest hardly runs.
  func fillBuffers(of machine: MovingMachine) async throws -> Bool {
    for piece in Self.pieces {
      _ = try pair.left.start(
        ["sh", "-c", "\(Self.sends(piece)) <\(folder)/\(piece)"], log: "piece.log", namespace: pair.station)
    }
    // What the kernel has received and nobody has read, of both ports, in hexadecimal (proc_net_tcp(5)).
    let ends = Self.pieces.map { "*:\(String($0, radix: 16, uppercase: true))" }.joined(separator: "|")
    let line =
      "cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | { n=0; while read -r _ end _ _ queues _; do case $end in \(ends)) "
      + "n=$((n+0x${queues#*:}));; esac; done; [ $n -ge \(Self.unread) ]; }"
    var hasMoved = false
    try await eventually("the guest's buffers are filled", within: 90) {
      // One that moves just now does not answer.
      if (try? machine.guest(line, within: 20)) == true { return true }
      hasMoved = try machine.status() == "completed"
      return hasMoved
    }
    if hasMoved { print("the machine has moved before the guest's buffers were filled: once more") }
    return !hasMoved
  }

  /// Ends the traffic and compares everything in the machine, wherever it is now.
  func ends(at machine: MovingMachine) async throws -> Pings {
    try await pair.pings(MovingMachine.address)
    pinging.signal(SIGINT)
    guard await pinging.wait(timeoutSeconds: 20) else { throw Failure("ping does not end") }
    guard await streaming.wait(timeoutSeconds: 120) else { throw Failure("the stream does not end") }
    if let words = text(of: "\(folder)/stream.log"), !words.isEmpty { throw Failure("the stream: \(words)") }
    for piece in Self.pieces {
      try check(
        machine, "the unread data of port \(piece)",
        ": >/tmp/go; n=0; until [ -e /tmp/\(piece).sum ]; do n=$((n+1)); [ $n -lt 120 ] || exit 3; usleep 500000; done; "
          + "[ \"$(cut -c1-32 /tmp/\(piece).sum)\" = \(sums["\(piece)"] ?? "?") ]")
    }
    try check(
      machine, "the stream",
      "n=0; until [ -e /tmp/stream.end ]; do n=$((n+1)); [ $n -lt 120 ] || exit 3; usleep 500000; done; "
        + "[ \"$(md5sum </tmp/stream | cut -c1-32)\" = \(sums["5000"] ?? "?") ]")
    try check(machine, "the file that lay there", "md5sum </tmp/kept | cmp - /tmp/kept.sum")
    return try pings()
  }

  private func check(_ machine: MovingMachine, _ what: String, _ line: String) throws {
    let status = try Agent(path: "\(machine.host.folder)/vm.agent").status(of: line, within: 120)
    guard status == 0 else { throw Failure("\(what) has changed on the way (status \(status))") }
  }

  /// A guest that is slow may not listen yet: it is tried for 20 s.
  private static func sends(_ port: Int) -> String {
    "socat -u -b 65536 - TCP:\(MovingMachine.address):\(port),retry=100,interval=0.2"
  }

  /// What `ping -D` wrote.
  private func pings() throws -> Pings {
    let lines = (text(of: "\(folder)/pings") ?? "").split(separator: "\n")
    let answers = lines.filter { $0.contains("bytes from") }
    let times = answers.compactMap { line in Double(line.dropFirst().prefix { $0 != "]" }) }
    let numbers = answers.compactMap { line in line.firstMatch(of: /icmp_seq=(\d+)/).flatMap { Int($0.1) } }
    let answered = Set(numbers)
    guard let last = answered.max(), times.count >= 2 else { throw Failure("ping said: \(lines.suffix(3))") }
    let silence = zip(times, times.dropFirst()).map { $1 - $0 }.max() ?? 0
    return Pings(
      sent: last, answered: answered.count, repeated: numbers.count - answered.count,
      longestSilenceMilliseconds: Int(silence * 1000))
  }
}
