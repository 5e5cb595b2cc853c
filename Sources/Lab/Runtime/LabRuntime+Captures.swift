import Capture
import Dataplane
import Topology

/// Captures of the lab that is up.
extension LabRuntime {
  /// Makes what a lab file declares under `capture:` run, once its ports are there and before anything is started.
  func declareCaptures(of lab: CanonicalLab, _ journal: Journal, old: OldCaptureFile) async throws(UserError) {
    try await captures.declare(lab, journal, old: old)
  }

  /// Starts a capture that a client has asked for into a sink, which is closed in the end, whatever happens.
  /// - Throws: `UserError`.
  package func startCapture(_ request: CaptureRequest, to sink: any CaptureSink) async throws {
    let lab: CanonicalLab
    do throws(UserError) {
      lab = try running().lab
    } catch {
      sink.close()
      throw error
    }
    try await captures.start(request, lab, to: sink)
  }

  /// What the flight recorder holds, as a pcapng file in pieces.
  /// - Parameter last: seconds to look back; nil = as far as it goes.
  package func recording(_ request: CaptureRequest, last: Double?) async throws -> RecordingWriter.Pieces {
    let (lab, plane) = try running()
    guard await plane.isRecording else {
      throw UserError(.failed, "lab \(lab.name) has no flight recorder", hint: "its file says `recorder: off`")
    }
    return try await captures.recording(request, last: last, lab)
  }
}
