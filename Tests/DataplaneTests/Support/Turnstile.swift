/// Lets a few tests pass at once, in the order they came.
///
/// Every data plane has two threads and every guest a dozen descriptors: with hundreds of them side by side a machine of
/// two processors would do little but switch, and a look at all descriptors of this process would take for ever.
actor Turnstile {
  static let shared = Turnstile(places: 4)

  private var places: Int
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(places: Int) { self.places = places }

  /// Waits for a place.
  func enter() async {
    guard places == 0 else {
      places -= 1
      return
    }
    await withCheckedContinuation { waiting.append($0) }
  }

  /// Gives the place to the next.
  func leave() {
    guard waiting.isEmpty else {
      waiting.removeFirst().resume()
      return
    }
    places += 1
  }
}
