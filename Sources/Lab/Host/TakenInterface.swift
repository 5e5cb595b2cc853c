import FoundationEssentials
import LinuxHost
import Topology

/// An interface of this host that a port of a lab has, and how it was before: written down before anything is changed.
struct TakenInterface: Codable, Sendable, Equatable {
  var name: String
  /// Number of the link: another interface that has got its name since is not meant.
  var index: Int
  /// What the interface is marked with.
  var mark: String
  var wasUp: Bool
  /// In bytes.
  var mtu: Int
  /// Its MTU was changed.
  var hasOtherMTU: Bool
  /// Addresses that the kernel had made by itself.
  var linkLocalAddresses: [String]
  /// How it made them; nil = it has no IPv6.
  var addressGeneration: UInt8?
  /// The NIC joined frames (LRO).
  var hadLargeReceive: Bool
  /// It had no place for filters of tc; nil = not known yet.
  var madePlace: Bool?

  init(name: String, mark: String, mtu: Int?, _ facts: InterfaceFacts) {
    self.name = name
    self.mark = mark
    index = facts.index
    wasUp = facts.isUp
    self.mtu = facts.mtu
    hasOtherMTU = mtu.map { $0 != facts.mtu } ?? false
    linkLocalAddresses = facts.linkLocalAddresses
    addressGeneration = facts.addressGeneration
    hadLargeReceive = Netlink.largeReceive(link: name, namespace: nil)
  }

  /// The name that it has now, by which it may have been called since; nil = it is gone, or nobody's of ours any more.
  ///
  /// Its mark decides, which is put first and taken away last: one that somebody else has taken since is not touched.
  var nameNow: String? {
    for name in [name] + [Netlink.name(ofLink: index)].compactMap({ $0 }) {
      guard let facts = try? Netlink.facts(of: name, namespace: nil) else { continue }
      if facts.index == index, facts.mark == mark { return name }
    }
    return nil
  }

  /// The interface is there under its name, and is the one that was taken.
  var isThere: Bool { nameNow == name }
}

/// The interfaces that somebody of a lab has taken, by a file in a folder of ours.
struct TakenInterfaces: Sendable {
  /// Name of the file.
  let file: String
  /// Where it is, when there is something to be written down.
  let folder: @Sendable () throws(UserError) -> Folder
  /// Where it is, if there may be one.
  let found: @Sendable () -> Folder?

  /// Those that are written down.
  func all() -> [TakenInterface] {
    guard let folder = found(), let bytes = folder.read(file, limit: 1 << 20) else { return [] }
    return (try? JSONDecoder().decode([TakenInterface].self, from: Data(bytes))) ?? []
  }

  subscript(name: String) -> TakenInterface? { all().first { $0.name == name } }

  /// Writes one down, in place of what was written of its name.
  func write(_ taken: TakenInterface) throws(UserError) {
    try write(all().filter { $0.name != taken.name } + [taken])
  }

  func remove(_ name: String) throws(UserError) { try write(all().filter { $0.name != name }) }

  private func write(_ all: [TakenInterface]) throws(UserError) {
    guard !all.isEmpty else {
      if let folder = found() { try Files.remove(file, in: folder) }
      return
    }
    try Files.write(encoded(all), as: file, in: try folder())
  }
}
