internal import LinuxHost

/// The bodies of all ports of one kind: what only that kind has.
///
/// A body that was used stays, closed, for the next port of its kind; the pool grows by a quarter.
///
/// Unsafe code. Invariants: those of `FixedArray`, whose elements it gives out and which checks their places.
@safe
struct PortPool<Body: ~Copyable>: ~Copyable {
  private var bodies: FixedArray<Body>
  private var places = FreeNumbers(PortRecord.numbers)
  private let make: () -> Body

  /// - Parameter make: makes a closed body.
  init(_ make: @escaping () -> Body) {
    self.make = make
    bodies = FixedArray(count: 0) { _ in make() }
  }

  /// Bodies that there are, in use or not.
  var count: Int { bodies.count }

  /// The body at a place of this pool (`PortSlot.body`); one out of range is a mistake of this program, and traps.
  subscript(place: Int) -> Body {
    @inline(__always)
    unsafeAddress { unsafe UnsafePointer(bodies.address(of: place)) }
    @inline(__always)
    nonmutating unsafeMutableAddress { unsafe bodies.address(of: place) }
  }

  /// The lowest place whose body nobody has.
  ///
  /// - Returns: nil if there are as many as there can be ports.
  mutating func take() -> Int? {
    guard let place = places.take() else { return nil }
    if place >= bodies.count {
      let make = make
      bodies.grow(to: max(place + 1, bodies.count + max(bodies.count / 4, 4))) { _ in make() }
    }
    return place
  }

  /// Takes back the place of a body that is closed.
  mutating func put(_ place: Int) { places.put(place) }
}

extension PortPool where Body: WorkerPort & ~Copyable {
  /// Closes the body at a place, and takes that back.
  mutating func close(_ place: Int, _ epoll: Epoll) {
    self[place].close(epoll)
    put(place)
  }
}
