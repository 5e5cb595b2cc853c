import Dataplane

extension Dataplane {
  /// Joins two switches; the ends are called as a lab calls them, `<switch>:<name>`.
  func addPatch(
    name: String, between first: String, and second: String, mode: PortMode
  ) async throws(DataplaneError) {
    try await addPatch(PatchEnd("\(first):\(name)", on: first), PatchEnd("\(second):\(name)", on: second), mode: mode)
  }
}
