/// What each segment becomes: by how many NICs are on it, not by how many nodes.
struct SegmentPlan {
  enum Form: Sendable { case nothing, wire, plainSwitch, vlanSwitch }

  /// A NIC by its node's place and its own.
  struct Member: Sendable {
    var node: Int
    var nic: Int
  }

  /// By the segment's place.
  private(set) var members: [[Member]]
  private(set) var forms: [Form]
  /// Places of segments by their ids.
  private(set) var places: [String: Int]

  init(_ lab: ForeignLab) {
    places = Dictionary(lab.segments.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    members = Array(repeating: [], count: lab.segments.count)
    for (node, value) in lab.nodes.enumerated() {
      for (nic, value) in value.nics.enumerated() {
        guard let segment = value.segment, let place = places[segment] else { continue }
        members[place].append(Member(node: node, nic: nic))
      }
    }
    var isJoined = Array(repeating: false, count: lab.segments.count)
    for (place, segment) in lab.segments.enumerated() {
      for joint in segment.joined {
        guard let other = places[joint.segment] else { continue }
        isJoined[place] = true
        isJoined[other] = true
      }
    }
    forms = zip(lab.segments, zip(members, isJoined)).map { segment, facts in
      switch segment.kind {
      case .vlanAware: .vlanSwitch
      case .bridge: .plainSwitch
      case .plain where facts.1: .plainSwitch
      case .plain: facts.0.isEmpty ? .nothing : facts.0.count == 2 ? .wire : .plainSwitch
      }
    }
  }

  /// The form of the segment that a NIC is on, and its place; nil = it is unplugged.
  func form(of nic: ForeignNIC) -> (place: Int, form: Form)? {
    nic.segment.flatMap { places[$0] }.map { ($0, forms[$0]) }
  }

  func notes(of lab: ForeignLab, path: String) -> [ImportNote] {
    zip(lab.segments, forms).compactMap { segment, form in
      guard case .nothing = form else { return nil }
      let reason = "nothing is on it"
      return ImportNote(.withoutEffect, path: path, line: segment.line, key: segment.name ?? segment.id, reason: reason)
    }
  }
}

/// The names that everything bears in the lab file.
struct LabNames {
  let lab: String
  /// By place.
  private(set) var nodes: [String]
  /// By place; nil = a wire that is called by its ends, or none.
  private(set) var segments: [String?]
  /// By the node's place and the NIC's.
  private(set) var nics: [[String]]
  /// Names of nodes by their ids.
  private(set) var byID: [String: String]

  init(_ foreign: ForeignLab, _ plan: SegmentPlan) {
    lab = NameMap.lab(foreign.name)
    var map = NameMap()
    var nodes: [String] = []
    for node in foreign.nodes { nodes.append(map.add(node.name, fallback: "node")) }
    segments = zip(foreign.segments, plan.forms).map { segment, form in
      switch form {
      case .nothing: nil
      case .wire: segment.name.map { map.add($0, fallback: "wire") }
      case .plainSwitch, .vlanSwitch: map.add(segment.name ?? segment.id, fallback: "switch")
      }
    }
    self.nodes = nodes
    byID = Dictionary(zip(foreign.nodes.map(\.id), nodes), uniquingKeysWith: { first, _ in first })
    var onHost = TAPNames()
    nics = foreign.nodes.map { node in Self.nics(of: node, &onHost) }
  }

  /// `ethN`; of TAPs the names that they have on the host, or ones like them.
  private static func nics(of node: ForeignNode, _ onHost: inout TAPNames) -> [String] {
    let numbers = 0...9999
    let wanted = Set(node.nics.compactMap(\.number))
    var given: Set<Int> = []
    var taken = wanted
    var next = 0
    return node.nics.map { nic in
      guard node.kind != .tap else { return onHost.add(nic.name) }
      if let number = nic.number, numbers.contains(number), given.insert(number).inserted {
        next = max(next, number + 1)
        return "eth\(number)"
      }
      while !taken.insert(next).inserted { next += 1 }
      return "eth\(next)"
    }
  }
}

/// Names of TAPs on the host, each of them once.
private struct TAPNames {
  private var taken: Set<String> = ["lo", "default"]
  /// By the beginning of a name, the number from which on it may be free.
  private var next: [String: Int] = [:]

  /// The name that the other tool has for it, or one like it.
  mutating func add(_ foreign: String) -> String {
    let folded = NameMap.folded(foreign, fallback: "tap")
    let base = folded.first?.isNumber == true ? "tap\(folded)" : folded
    var name = String(base.prefix(15))
    let start = String(base.prefix(10))
    while !taken.insert(name).inserted {
      let number = next[start, default: 0]
      next[start] = number + 1
      name = "\(start)\(number)"
    }
    return name
  }
}
