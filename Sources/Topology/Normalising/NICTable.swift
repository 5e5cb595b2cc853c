/// Where each node's NICs are by name, so that a node with ten thousand links takes no longer a link than others.
final class NICTable {
  /// By node, made when it is first asked for.
  private var places: [Int: [String: Int]] = [:]
  /// By node, the number from which on an `ethN` may be free: what is taken stays so.
  private var free: [Int: Int] = [:]

  /// The index of a node's NIC; nil when it has none of that name.
  func place(of name: String, in node: Int, _ draft: LabDraft) -> Int? {
    if let known = places[node] { return known[name] }
    let names = draft.nodes[node].nics.enumerated().map { ($0.element.name.value, $0.offset) }
    let made = Dictionary(names, uniquingKeysWith: { first, _ in first })
    places[node] = made
    return made[name]
  }

  /// Gives a node another NIC, and answers its index.
  func add(_ nic: NICDraft, to node: Int, _ draft: inout LabDraft) -> Int {
    draft.nodes[node].nics.append(nic)
    let place = draft.nodes[node].nics.count - 1
    places[node]?[nic.name.value] = place
    return place
  }

  /// The first `ethN` of a node that nothing has taken and that `isReserved` does not keep.
  func freeName(of node: Int, _ draft: LabDraft, isReserved: (String) -> Bool) -> String {
    var number = free[node] ?? 0
    while true {
      let name = "eth\(number)"
      let isTaken = place(of: name, in: node, draft).map { draft.nodes[node].nics[$0].takenAt != nil } ?? false
      if !isTaken, !isReserved(name) {
        free[node] = number
        return name
      }
      number += 1
    }
  }
}
