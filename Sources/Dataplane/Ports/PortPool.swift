internal import LinuxHost

/// The bodies of all ports of one kind: what only that kind has.
///
/// A body that was used stays, closed, for the next port of its kind; the pool grows by a quarter, while all workers stand
/// still. Workers reach bodies by its view.
struct PortPool<Body: ~Copyable>: ~Copyable {
  private let bodies = SharedStore<Body>()
  private var places = FreeNumbers(PortRecord.numbers)
  private let make: () -> Body

  /// - Parameter make: makes a closed body.
  init(_ make: @escaping () -> Body) { self.make = make }

  /// The bodies by their places (`PortSlot.body`); the pool must outlive it.
  var view: SharedView<Body> { bodies.view }

  /// The lowest place whose body nobody has.
  ///
  /// - Returns: nil if there are as many as there can be ports.
  mutating func take() -> Int? {
    guard let place = places.take() else { return nil }
    let count = bodies.count
    if place >= count {
      let make = make
      bodies.grow(to: max(place + 1, count + max(count / 4, 4))) { _ in make() }
    }
    return place
  }

  /// Takes back the place of a body that is closed.
  mutating func put(_ place: Int) { places.put(place) }
}

extension PortPool where Body: WorkerPort & ~Copyable {
  /// Closes the body at a place, and takes that back.
  mutating func close(_ place: Int, _ epoll: Epoll) {
    view[place].close(epoll)
    put(place)
  }
}
