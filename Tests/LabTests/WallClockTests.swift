import Foundation
import Synchronization
import Testing

@testable import Lab

/// The time of day, which somebody may set at any moment: it is told, and nothing goes by it.
///
/// Ageing, impairments, limits and time-outs go by clocks that nobody sets; their tests hand one in.
@Suite struct WallClockTests {
  /// A clock that a test sets.
  private final class SetClock: Sendable {
    private let time = Mutex(Date(timeIntervalSince1970: 1_000_000))

    var now: Date { time.withLock { $0 } }

    func step(_ seconds: Double) { time.withLock { $0 += seconds } }
  }

  /// Set forward by a year and back by two, events stay in order, have their numbers, and are found by time.
  @Test func eventsStayInOrderWhenTheClockIsSet() async {
    let clock = SetClock()
    let hub = EventHub(lab: "two", base: 1, clock: { clock.now })
    let year = 365.0 * 86_400
    for step in [1, 1, year, 1, -2 * year, 1, 1] {
      clock.step(step)
      hub.note(.nodeReady, subject: "a")
    }
    var events: [LabEvent] = []
    let reader = hub.subscribe(.since(.distantPast), isFollowing: false)
    while case .event(let event)? = await reader.next() { events.append(event) }
    #expect(events.map(\.id) == Array(1...7))
    #expect(zip(events, events.dropFirst()).allSatisfy { $0.time <= $1.time })
    #expect(events[2].time.timeIntervalSince1970 == 1_000_002 + year)
    // Those after the step back have the last time before it.
    #expect(events[6].time == events[3].time)
    // Who goes on behind a number gets the rest, whatever its time.
    var rest = 0
    let other = hub.subscribe(.after(4), isFollowing: false)
    while case .event? = await other.next() { rest += 1 }
    #expect(rest == 3)
  }

  /// Files that ask for the time of day, and what for.
  ///
  /// Whoever adds one says here why a step does no harm.
  private static let known = [
    "LinuxHost/HostClock.swift": "gives it out",
    "Dataplane/Capture/BurstMarks.swift": "a comment about it",
    "Dataplane/Capture/RingMerger.swift": "order of records; waits by the monotonic clock",
    "Dataplane/Capture/TapSet.swift": "times of captured and recorded frames",
    "Dataplane/Dataplane+Recorder.swift": "how far back a recording goes, times of ports in it",
    "Capture/Sessions/CaptureLoop.swift": "times of statistics in files; limits are monotonic",
    "Control/Server/ControlResponder.swift": "the header Date",
    "Control/Live/LiveBoard.swift": "the time that viewers are told",
    "Control/Routes/EventRoutes.swift": "how long ago `since` is",
    "apus/Capture/CaptureDestination.swift": "names of ring files",
    "apus/Commands/ManualCommand.swift": "the date of a manual page",
    "apus/Host/TopSource.swift": "the time on the screen",
    "Lab/Events/EventHub.swift": "times of events, which never go back; the first number of a daemon",
    "Lab/State/LabState.swift": "since when a node runs, for people",
    "Lab/Captures/CaptureDesk+Declared.swift": "names of ring files",
    "Lab/Runtime/LabRuntime+Save.swift": "when a lab was saved, for people and for a name",
    "Lab/Runtime/TakeoverWatch.swift": "compared with times of recorded frames, for some seconds after a start",
    "Lab/Images/ImageCatalogue.swift": "when an image was added, for people",
    "Lab/Nodes/ContainerNode+Life.swift": "from when on a container's log is read",
    "Lab/Nodes/ContainerNode+Setup.swift": "times of files in an archive",
  ]

  /// Whatever else is decided by time goes by a clock that only rises.
  @Test func onlyTheseAskWhatTimeItIs() throws {
    let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources").standardized
      .path
    var found: Set<String> = []
    for case let name as String in FileManager.default.enumerator(atPath: sources) ?? .init()
    where name.hasSuffix(".swift") {
      let text = try String(contentsOfFile: "\(sources)/\(name)", encoding: .utf8)
      let words = ["HostClock.realtime", "clinux_realtime()", "Date()", "Date.now", "CLOCK_REALTIME", "realtime clock"]
      if words.contains(where: { text.contains($0) }) { found.insert(name) }
    }
    #expect(found.subtracting(Self.known.keys).sorted() == [])
    #expect(Set(Self.known.keys).subtracting(found).sorted() == [])
  }
}
