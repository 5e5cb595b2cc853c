import Frames
internal import LinuxHost

/// The flight recorder.
extension Dataplane {
  /// There is one.
  package var isRecording: Bool { recorder != nil }

  /// The frames that came in last, as far as the recorder goes back; the worker is not stopped for it.
  ///
  /// - Parameter last: how far to look back; nil = as far as it goes.
  package func recording(last: Duration? = nil) async -> FlightRecording {
    guard let recorder else { return FlightRecording([], ports: [], since: 0) }
    var since: UInt64 = 0
    if let (seconds, attoseconds) = last?.components {
      let now = HostClock.realtime
      let back = UInt64(clamping: seconds).multipliedReportingOverflow(by: 1_000_000_000)
      let length = back.overflow ? .max : back.partialValue
      since = now > length ? now - length : 0
      if attoseconds > 0 { since -= min(since, UInt64(attoseconds / 1_000_000_000)) }
    }
    let (ports, start) = (recordedPorts.all(), since)
    // Millions of bytes: not on the actor.
    return await Task.detached {
      let (records, end) = recorder.snapshot()
      return FlightRecording(records, until: end, ports: ports, since: start)
    }.value
  }

  /// The frames of up to `longest` bytes that came in since a position, as far as the recorder goes back.
  ///
  /// For who looks often: only what is new is copied.
  /// - Parameter position: 0 at first, then what the call before has returned.
  package func recording(
    from position: UInt64, longest: Int
  ) async -> (recording: FlightRecording, position: UInt64) {
    guard let recorder else { return (FlightRecording([], ports: [], since: 0), position) }
    let ports = recordedPorts.all()
    return await Task.detached {
      let (records, end) = recorder.snapshot(from: position)
      return (FlightRecording(records, until: end, ports: ports, since: 0, longest: longest), end)
    }.value
  }

  /// Notes that a port is there.
  func notePort(_ record: PortRecord) {
    guard recorder != nil else { return }
    recordedPorts.note(
      RecordedPort(
        name: record.name, switchName: record.switchName, kind: record.kind, address: record.address?.bytes ?? [],
        index: record.index, from: HostClock.realtime, until: .max))
  }

  /// Notes that a port is gone.
  func notePortGone(_ record: PortRecord) { recordedPorts.noteGone(record.index, at: HostClock.realtime) }
}
