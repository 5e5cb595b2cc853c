import Capture
import Dataplane
import LinuxHost
import Topology

extension CaptureDesk {
  /// What the flight recorder holds of the targets, as a pcapng file in pieces.
  /// - Throws: `UserError` for unknown targets, and for what only a running capture can do.
  func recording(
    _ request: CaptureRequest, last: Double?, _ lab: CanonicalLab
  ) async throws(UserError) -> RecordingWriter.Pieces {
    if request.duration != nil || request.isRaw || request.segments {
      throw UserError(
        .badInput, "what was recorded has an end and is as it was: duration, raw and segment are for captures that run")
    }
    var options = RecordingWriter.Options()
    let all = try await self.ports()
    let plan = try await Self.plan(request, lab, all, isDeclared: false, application)
    let ports = plan.ports
    let trunks = Set(all.filter { $0.kind == .patch }.map(\.name))
    guard ports.isEmpty || !trunks.isSuperset(of: ports) else {
      throw UserError(
        .badInput, "the recorder knows frames where nodes sent them, and so nothing of a trunk",
        hint: "ask for a switch, or for all")
    }
    // Ports that are gone by now were part of the whole lab too.
    options.ports = request.targets == ["all"] ? nil : Set(ports)
    options.settings = plan.settings
    options.filter = options.settings.filter
    options.drops = request.drops == .only ? .only : .included
    guard let plane = gate.enter() else { throw LabRuntime.noLab }
    defer { gate.leave() }
    guard HostMemory.hasRoom(for: plane.recordingSize) else {
      throw UserError(
        .failed, "the daemon has no memory for a copy of the recorder's \(plane.recordingSize >> 10) KiB",
        hint: "a smaller `recorder` in the lab file needs less")
    }
    let recording = await plane.recording(last: last.map { .seconds(min($0, 1e9)) })
    return RecordingWriter.Pieces(recording, options)
  }
}
