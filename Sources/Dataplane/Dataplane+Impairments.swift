/// Impairments of links.
extension Dataplane {
  /// Replaces what is done to a port's frames; nil = nothing.
  ///
  /// Frames that are held stay so under a new setting, and keep their order; those of a direction that is impaired no
  /// more go on at once, those of a port that is removed are gone.
  /// - Parameters:
  ///   - fromNode: for frames from the node, before anything looks at them; nil for the end of a patch.
  ///   - toNode: for frames to the node, as they would have left; for the end of a patch, frames that its switch sends.
  ///   - seed: of the chances, for runs that can be repeated.
  /// - Throws: `invalid` for a value out of range.
  package func setImpairment(
    port: String, fromNode: Impairment?, toNode: Impairment?, seed: UInt64 = .random(in: .min ... .max)
  ) async throws(DataplaneError) {
    let record = try record(port)
    guard record.kind != .patch || fromNode == nil else {
      throw .invalid("port \(port): frames from a trunk are impaired where they are sent, at its other end")
    }
    for impairment in [fromNode, toNode] {
      if let problem = impairment?.problem { throw .invalid("port \(port): \(problem)") }
    }
    await worker.run {
      $0.coldImpair(record.index, .fromNode, fromNode, seed: seed)
      $0.coldImpair(record.index, .toNode, toNode, seed: ~seed)
    }
  }
}
