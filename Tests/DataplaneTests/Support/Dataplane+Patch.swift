import Dataplane

extension Dataplane {
  /// Joins two switches; the ends are called as a lab calls them, `<switch>:<name>`.
  func addPatch(
    name: String, between first: String, and second: String, mode: PortMode
  ) async throws(DataplaneError) {
    try await addPatch(PatchEnd("\(first):\(name)", on: first, mode), PatchEnd("\(second):\(name)", on: second, mode))
  }

  /// Joins two switches by ends of the same mode.
  func addPatch(_ first: PatchEnd, _ second: PatchEnd, mode: PortMode) async throws(DataplaneError) {
    var (first, second) = (first, second)
    (first.mode, second.mode) = (mode, mode)
    try await addPatch(first, second)
  }
}

extension PatchEnd {
  /// An end whose mode is said elsewhere.
  init(_ name: String, on switchName: String) {
    self.init(name, on: switchName, .trunk(allowed: .all, native: nil))
  }
}
