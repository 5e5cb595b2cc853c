import Topology

/// The image that a container is made of.
enum ContainerImage {
  /// Seconds that loading one from its registry may take.
  private static let limit = 1800.0
  /// Images of this host, which no registry has.
  private static let localPrefix = "localhost/"

  /// Loads an image that is not on this host from its registry, as the engines themselves do for `run`.
  static func fetch(
    _ name: String, _ engine: ContainerEngine, _ progress: @Sendable (String) -> Void
  ) async throws(UserError) {
    guard try await !engine.hasImage(name) else { return }
    guard !name.hasPrefix(localPrefix) else {
      throw UserError(
        .failed, "image \(name) is not on this host", hint: "`\(engine.kind) images` lists those that are")
    }
    progress("loading image \(name)")
    do {
      try await engine.run(["pull", "--quiet", name], limit: limit)
    } catch {
      throw UserError(
        error.code, "image \(name) is not on this host and cannot be loaded: \(error.message)",
        hint: "`\(engine.kind) images` lists those that are here")
    }
  }
}
