import Capture
import Logging
import Topology

/// What is known of a lab's captures, for a daemon that goes on with those into files.
struct HandedCaptures: Codable, Sendable {
  /// Names that were made for captures.
  var counter = 0
  /// What all of them did: frames given out, and frames that they were too slow for.
  var written: UInt64 = 0
  var dropped: UInt64 = 0
  /// Where files in turn have come to, by the captures' names.
  var rings: [String: RingFileSink.Position] = [:]
  /// Declared captures that have ended by themselves.
  var ended: [String] = []
}

/// Captures that go on in another daemon: those that the lab file declares. Those of clients end with their connections.
extension CaptureDesk {
  /// Ends the captures into files; returns when all that they have is written, and nobody writes any more.
  func suspend() async -> HandedCaptures {
    suspended = declared.filter { isRunning($0) }
    var handed = HandedCaptures()
    handed.ended = declared.filter { !isRunning($0) }.map(\.id)
    await withTaskGroup(of: Void.self) { group in
      for definition in suspended { group.addTask { try? await self.stop(definition.id) } }
    }
    let totals = totals()
    (handed.counter, handed.written, handed.dropped) = (counter, totals.written, totals.dropped)
    handed.rings = rings.mapValues(\.position)
    return handed
  }

  /// It has not ended by itself; a client's capture that has its id by now has no file here.
  private func isRunning(_ definition: CaptureDefinition) -> Bool {
    guard let entry = entries[definition.id] else { return false }
    return entry.session != nil && entry.file != nil
  }

  /// Goes on with what `suspend` has ended, in the same files.
  ///
  /// Or with what another daemon has, after `inherit`.
  func goOn() async {
    guard let lab else { return }
    let all = suspended
    suspended = []
    for definition in all {
      declared.removeAll { $0 == definition }
      do throws(UserError) {
        try await start(definition, try await plan(definition, lab), .goesOn)
      } catch {
        logger.warning("capture \(definition.file) does not go on: \(error)")
      }
    }
  }

  /// Takes what another daemon knew, and touches no file; `goOn` follows.
  /// - Throws: `UserError` for a capture that cannot be here.
  func inherit(_ handed: HandedCaptures, of lab: CanonicalLab) async throws(UserError) {
    counter = max(0, min(handed.counter, 1 << 40))
    totalsBefore = CaptureTotals(written: handed.written, dropped: handed.dropped)
    // Those that have ended stay so.
    declared = (lab.captures ?? []).filter { handed.ended.contains($0.id) }
    suspended = (lab.captures ?? []).filter { !handed.ended.contains($0.id) }
    for definition in lab.captures ?? [] {
      guard let ring = definition.ring, let position = handed.rings[definition.id] else { continue }
      rings[definition.id] = RingFileSink(
        path: definition.file, files: RingFiles(count: ring.files, size: UInt64(clamping: ring.size)), after: position,
        clock: { 0 })
    }
    self.lab = lab
    for definition in suspended { _ = try await plan(definition, lab) }
  }
}
