/// Which places of a lab are one: where a frame from an address of a NIC gets to without a node that forwards it.
///
/// A place is a VLAN of a switch, or a switch without VLANs, or a wire; in the last two by the tag that a frame bears
/// there. Links between switches join the places that they carry. Only tags that addresses have and the untagged VLANs of
/// links are told apart, so 500 nodes are no more work than their links times their VLANs.
struct ConnectedPlaces {
  /// Where an address is.
  enum Place: Hashable {
    /// One of the places that are connected, by its number.
    case segment(Int)
    case wire(String, tag: Int)
    /// Of a NIC that leads nowhere.
    case nic(Int, tag: Int)
  }

  /// Columns of `parents` by tag; 0 = untagged, on switches without VLANs.
  private let columns: [Int: Int]
  /// Rows of `parents` by switch.
  private let rows: [String: Int]
  private let unaware: Set<String>
  /// A forest: each place's parent, its own number for a root.
  private var parents: [Int]

  init(_ lab: CanonicalLab) {
    let trunks = lab.links.compactMap { link -> (ends: [String], mode: VLANMode)? in
      guard case .trunk(let mode) = link.kind, link.ends.count == 2 else { return nil }
      return (link.ends.map(\.text), mode)
    }
    var tags: Set<Int> = [0]
    for nic in lab.nodes.flatMap(\.nics) where !nic.addresses.isEmpty {
      tags.formUnion(nic.addresses.compactMap(\.vlan))
      if case .switchPort(_, let mode) = nic.attachment, let vlan = mode.untagged { tags.insert(vlan) }
    }
    for trunk in trunks { if let vlan = trunk.mode.untagged { tags.insert(vlan) } }
    let sorted = tags.sorted()
    columns = Dictionary(uniqueKeysWithValues: zip(sorted, sorted.indices))
    let names = lab.switches.map(\.name)
    rows = Dictionary(zip(names, names.indices), uniquingKeysWith: { first, _ in first })
    unaware = Set(lab.switches.filter { !$0.isVLANAware }.map(\.name))
    parents = Array(0..<names.count * sorted.count)
    for trunk in trunks { connect(trunk.ends[0], trunk.ends[1], trunk.mode) }
  }

  /// Where an address of a NIC is; nil where no frame gets from.
  /// - Parameters:
  ///   - number: the NIC's, by which one is told from others that lead nowhere.
  ///   - vlan: of the subinterface that has the address, nil = the NIC itself.
  mutating func place(of attachment: Attachment, number: Int, vlan: Int?) -> Place? {
    switch attachment {
    case .none: return .nic(number, tag: vlan ?? 0)
    case .wire(let link): return .wire(link, tag: vlan ?? 0)
    case .switchPort(let name, let mode):
      let tag = unaware.contains(name) ? vlan ?? 0 : vlan ?? mode.untagged
      return tag.flatMap { index(name, $0) }.map { .segment(root(of: $0)) }
    }
  }

  /// Joins what a link between switches carries: on the wire that it is, each VLAN is its tag, but for the untagged one.
  private mutating func connect(_ first: String, _ second: String, _ mode: VLANMode) {
    for tag in columns.keys {
      guard mode == .transparent || mode.carries(tag) else { continue }
      let wire = mode.untagged == tag ? 0 : tag
      guard let one = index(first, unaware.contains(first) ? wire : tag),
        let other = index(second, unaware.contains(second) ? wire : tag)
      else { continue }
      let (a, b) = (root(of: one), root(of: other))
      parents[max(a, b)] = min(a, b)
    }
  }

  private func index(_ name: String, _ tag: Int) -> Int? {
    guard let row = rows[name], let column = columns[tag] else { return nil }
    return row * columns.count + column
  }

  /// The place that stands for all that are connected with one; paths to it are cut by half.
  private mutating func root(of place: Int) -> Int {
    var place = place
    while parents[place] != place {
      parents[place] = parents[parents[place]]
      place = parents[place]
    }
    return place
  }
}
