import Dataplane
import LinuxHost
import Logging

/// Helps guests to find each other again after another daemon has taken their lab back.
///
/// While there is no daemon, QEMU takes the carrier from its guests, and their systems forget their neighbours. Linux
/// asks for a neighbour once a second: a question that it asks before its own carrier is back, or the other's, is lost,
/// and traffic that waits for the answer stands still for another second. So, shortly after a guest has come back to its
/// port, every machine is asked to say which addresses it has, which ends the wait of whoever asks for one of them; and
/// ARP requests that have come in since, and that nobody has answered, are asked again. The second is all there is for
/// guests that others have started; the flight recorder knows the requests, so that the data path has no part in this.
struct TakeoverWatch: Sendable {
  private static let interval = Duration.milliseconds(50)
  /// After the return of a guest: it learns of its carrier some milliseconds after its port is up, more if it is
  /// emulated on a busy host.
  private static let delays = [Duration.milliseconds(100), .milliseconds(300)]

  let plane: Dataplane
  let nodes: [any Node]
  let logger: Logger
  /// How long guests may take to come back: QEMU tries once a second.
  static let length = Duration.seconds(4)
  var length = Self.length
  var requests = AddressRequests()

  /// Watches until all that come back should be there.
  func run() async {
    var schedule = TakeoverSchedule(delays: Self.delays)
    let clock = ContinuousClock()
    let end = clock.now + length
    var requests = requests
    var position = RecordingPosition()
    var (rounds, repeated) = (0, 0)
    while clock.now < end || schedule.isPending, (try? await Task.sleep(for: Self.interval)) != nil {
      let ports = await plane.ports()
      if clock.now < end {
        schedule.note(up: Set(ports.filter { $0.kind == .vhostUser && $0.carrier }.map(\.name)), now: clock.now)
      }
      // Looked at each time: a busy lab writes over the recorder within tenths of a second.
      let news = await plane.recording(from: position, longest: FlightRecording.keptBytes)
      position = news.position
      requests.note(news.recording)
      guard schedule.takeDue(now: clock.now) else { continue }
      rounds += 1
      for node in nodes { await node.announce() }
      let up = Set(ports.filter(\.carrier).map(\.name))
      for request in requests.takeRound(up: up, now: HostClock.realtime) {
        // A port that has gone meanwhile has nothing to ask.
        if (try? await plane.inject(port: request.port, frames: [request.frame])) != nil { repeated += 1 }
      }
    }
    if rounds > 0 {
      logger.info("guests came back: addresses announced \(rounds) times, \(repeated) ARP requests asked again")
    }
  }
}

/// When something is to be done for guests that come back to their ports.
struct TakeoverSchedule {
  /// After each return.
  let delays: [Duration]
  private var up: Set<String> = []
  private var due: [ContinuousClock.Instant] = []

  init(delays: [Duration]) { self.delays = delays }

  /// Something is still to be done.
  var isPending: Bool { !due.isEmpty }

  /// Takes note of the ports that are up.
  mutating func note(up ports: Set<String>, now: ContinuousClock.Instant) {
    if !ports.isSubset(of: up) { due += delays.map { now + $0 } }
    up = ports
  }

  /// Whether it is time to do it; once for all that has become due.
  mutating func takeDue(now: ContinuousClock.Instant) -> Bool {
    let count = due.count
    due.removeAll { $0 <= now }
    return due.count < count
  }
}
