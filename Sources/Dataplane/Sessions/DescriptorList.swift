internal import LinuxHost

/// Descriptors beside a plain value that names them by their places.
struct DescriptorList: Sendable {
  private(set) var all: [Descriptor] = []

  mutating func place(_ descriptor: Descriptor) -> Int {
    all.append(descriptor)
    return all.count - 1
  }

  mutating func places(_ descriptors: [Descriptor]) -> [Int] { descriptors.map { place($0) } }
}

extension [Descriptor] {
  /// The one at a place that another process has named; nil if there is no such place.
  func at(_ place: Int?) -> Descriptor? {
    guard let place, indices.contains(place) else { return nil }
    return self[place]
  }

  /// Those at some places; nil if one is not there.
  func at(_ places: [Int]) -> [Descriptor]? {
    let found = places.compactMap { at($0) }
    return found.count == places.count ? found : nil
  }
}
