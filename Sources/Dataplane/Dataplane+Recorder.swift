import Frames
internal import LinuxHost

/// The flight recorder.
extension Dataplane {
  /// There is one.
  package var isRecording: Bool { !recorders.isEmpty }

  /// Bytes that a recording of all that recorders may hold copies.
  package nonisolated var recordingSize: Int {
    recorders.reduce(0) { $0 + $1.capacity * FlightRecorder.recordSize }
  }

  /// The frames that came in last, as far as the recorder goes back; no worker is stopped for it.
  ///
  /// - Parameter last: how far to look back; nil = as far as it goes.
  package func recording(last: Duration? = nil) async -> FlightRecording {
    var since: UInt64 = 0
    if let (seconds, attoseconds) = last?.components {
      let now = HostClock.realtime
      let back = UInt64(clamping: seconds).multipliedReportingOverflow(by: 1_000_000_000)
      let length = back.overflow ? .max : back.partialValue
      since = now > length ? now - length : 0
      if attoseconds > 0 { since -= min(since, UInt64(attoseconds / 1_000_000_000)) }
    }
    let (recorders, ports, start) = (recorders, recordedPorts.all(), since)
    // Millions of bytes: not on the actor.
    return await Task.detached {
      FlightRecording(recorders.map { $0.snapshot() }, ports: ports, since: start)
    }.value
  }

  /// The frames of up to `longest` bytes that came in since a position, as far as the recorders go back.
  ///
  /// For who looks often: only what is new is copied.
  /// - Parameter position: the start at first, then what the call before has returned.
  package func recording(
    from position: RecordingPosition, longest: Int
  ) async -> (recording: FlightRecording, position: RecordingPosition) {
    let (recorders, ports) = (recorders, recordedPorts.all())
    return await Task.detached {
      let snapshots = recorders.enumerated().map { $1.snapshot(from: position.end(of: $0)) }
      let recording = FlightRecording(snapshots, ports: ports, since: 0, longest: longest)
      return (recording, RecordingPosition(snapshots))
    }.value
  }

  /// Notes that a port is there.
  func notePort(_ record: PortRecord) {
    guard isRecording else { return }
    recordedPorts.note(
      RecordedPort(
        name: record.name, switchName: record.switchName, kind: record.kind, address: record.address?.bytes ?? [],
        index: record.index, from: HostClock.realtime, until: .max))
  }

  /// Notes that a port is gone.
  func notePortGone(_ record: PortRecord) { recordedPorts.noteGone(record.index, at: HostClock.realtime) }
}
