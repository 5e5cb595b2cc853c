package import Dataplane
internal import LinuxHost
import Synchronization

/// A capture on its way from the data plane's rings to a sink, on a thread of its own.
///
/// The thread looks into the rings every few milliseconds, so that no worker ever has to wake it. It ends with the
/// capture, with its count or its time, or when the sink takes no more; however it ends, the ports are let go, what the
/// file needs at its end is written if that can be, and the sink is closed.
package final class CaptureSession: Sendable {
  private struct State {
    var status = CaptureStatus()
    /// Texts of the filters that the capture got on its way, by the number of the change.
    var filters: [UInt16: String] = [:]
    /// Names that are to be written.
    var names: [PcapngName] = []
    var stopIsWanted = false
    var waiting: [CheckedContinuation<CaptureStatus, Never>] = []
  }

  private let dataplane: Dataplane
  private let handle: CaptureHandle
  private let state = Mutex(State())

  private init(_ dataplane: Dataplane, _ handle: CaptureHandle) {
    self.dataplane = dataplane
    self.handle = handle
  }

  /// Starts to capture frames of ports into a sink, which this closes in the end, whatever happens.
  ///
  /// - Throws: `DataplaneError` for an unknown port or a setting out of range, or if there is no thread to be had.
  package static func start(
    on dataplane: Dataplane, ports: [String], _ settings: CaptureSettings, to sink: any CaptureSink
  ) async throws(DataplaneError) -> CaptureSession {
    let handle: CaptureHandle
    do throws(DataplaneError) {
      handle = try await dataplane.startCapture(ports: ports, settings.tap)
    } catch {
      sink.close()
      throw error
    }
    let session = CaptureSession(dataplane, handle)
    session.state.withLock { $0.status.filter = settings.filter?.text ?? "" }
    do throws(SystemError) {
      _ = try HostThread.start(name: "apus-capture", cpu: nil) {
        var loop = CaptureLoop(session, handle, settings, sink)
        loop.run()
      }
    } catch {
      await dataplane.stopCapture(handle)
      sink.close()
      throw .host("\(error)")
    }
    return session
  }

  /// Counts and, when it has ended, why.
  package var status: CaptureStatus {
    var status = state.withLock(\.status)
    status.counts = handle.counts
    status.ports = handle.interfaces.map(\.name)
    return status
  }

  /// Names of the ports that are part of the capture now.
  package var currentPorts: [String] { handle.interfaces.filter { !$0.isEnded }.map(\.name) }

  /// Ends the capture; what was captured before is still written, as long as the reader reads.
  package func stop() async -> CaptureStatus {
    state.withLock { $0.stopIsWanted = true }
    await dataplane.stopCapture(handle)
    return await ended()
  }

  /// Waits for the end.
  package func ended() async -> CaptureStatus {
    await withCheckedContinuation { continuation in
      let hasEnded = state.withLock { state in
        if state.status.outcome == nil { state.waiting.append(continuation) }
        return state.status.outcome != nil
      }
      if hasEnded { continuation.resume(returning: status) }
    }
  }

  /// Replaces the filter; nil = everything is wanted.
  package func changeFilter(to filter: Filter?) async throws(DataplaneError) {
    let number = try await dataplane.changeFilter(of: handle, to: filter?.program)
    state.withLock { state in
      state.filters[number] = filter?.text ?? ""
      state.status.filter = filter?.text ?? ""
    }
  }

  /// Takes a port in while the capture runs.
  package func addPort(_ name: String) async throws(DataplaneError) {
    try await dataplane.addPort(name, to: handle)
  }

  /// Takes a port out; the capture ends with the last, if it is one that does.
  package func removePort(_ name: String) async throws(DataplaneError) {
    try await dataplane.removePort(name, from: handle)
  }

  /// Adds names of stations and hosts that came while the capture runs; those that the file has are not repeated.
  package func add(names: [PcapngName]) { state.withLock { $0.names += names } }

  // The thread's side.

  var stopIsWanted: Bool { state.withLock(\.stopIsWanted) }

  /// Names to be written since the last call.
  func takeNames() -> [PcapngName] {
    state.withLock { state in
      guard !state.names.isEmpty else { return [] }
      defer { state.names = [] }
      return state.names
    }
  }

  /// The text of the filter of that number; nil if it is not told yet.
  func filterText(_ number: UInt16) -> String? { state.withLock { $0.filters[number] } }

  func note(written: UInt64, packets: UInt64, bytes: UInt64) {
    state.withLock { state in
      state.status.written = written
      state.status.packets = packets
      state.status.bytes = bytes
    }
  }

  /// Lets the ports go, on Swift's threads: the loop's own cannot wait for the data plane.
  func letGo() {
    Task { await dataplane.stopCapture(handle) }
  }

  func finish(_ outcome: CaptureOutcome) {
    let waiting = state.withLock { state in
      state.status.outcome = outcome
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume(returning: status) }
  }
}
