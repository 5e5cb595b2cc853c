/// Where the things of a graph are drawn, the same for every drawing of it: `graph --format svg`, and the live page.
extension LabGraph {
  /// What is drawn together: a switch with the nodes whose first link leads to it, or nodes without a switch.
  private struct Group {
    /// Its place among the vertices; nil = there is no switch.
    var hub: Int?
    var members: [Int] = []

    /// Members of one row: about twice as wide as high, where there are many.
    var columns: Int {
      if members.count <= 8 { return max(1, (members.count + 1) / 2) }
      return max(4, Int((2 * Double(members.count)).squareRoot().rounded(.up)))
    }
    var rows: Int { members.isEmpty ? 0 : (members.count + columns - 1) / columns }
    /// Rows above the hub, which has a row of its own.
    var rowsAbove: Int { hub == nil ? 0 : (rows + 1) / 2 }
    /// With half a column more, by which every other row is shifted.
    var width: Int { LabGraph.stepX * (columns - 1) + (rows > 2 ? LabGraph.stepX / 2 : 0) }
    /// From the hub's row, or the first one, up and down.
    var above: Int { LabGraph.stepY * rowsAbove }
    var below: Int { LabGraph.stepY * (hub == nil ? max(0, rows - 1) : rows - rowsAbove) }
  }

  private static let stepX = 160
  private static let stepY = 130
  /// Between the edge and what is nearest to it, and between groups.
  static let margin = 90

  /// Gives every vertex its place: switches with their nodes above and below them, as many beside each other as make a
  /// drawing that is wider than high.
  mutating func arrange() {
    let groups = groups()
    let area = groups.map { ($0.width + 2 * Self.margin) * ($0.above + $0.below + 2 * Self.margin) }.reduce(0, +)
    let widest = max((1.7 * Double(area)).squareRoot(), Double(groups.map { $0.width + 2 * Self.margin }.max() ?? 0))
    var top = 0
    var line: [Group] = []
    var used = 0
    for group in groups {
      let width = group.width + 2 * Self.margin
      if !line.isEmpty, Double(used + width) > widest {
        top += place(line, at: top)
        (line, used) = ([], 0)
      }
      line.append(group)
      used += width
    }
    _ = place(line, at: top)
  }

  /// Groups in order of their switches; last what has none.
  private func groups() -> [Group] {
    var hubs: [String: Int] = [:]
    var groups: [Group] = []
    for (index, vertex) in vertices.enumerated() where vertex.kind == "switch" {
      hubs[vertex.name] = groups.count
      groups.append(Group(hub: index))
    }
    var homes: [String: Int] = [:]
    for edge in edges {
      guard let home = hubs[edge.second], hubs[edge.first] == nil, homes[edge.first] == nil else { continue }
      homes[edge.first] = home
    }
    var rest = Group()
    for (index, vertex) in vertices.enumerated() where vertex.kind != "switch" {
      if let home = homes[vertex.name] { groups[home].members.append(index) } else { rest.members.append(index) }
    }
    return rest.members.isEmpty ? groups : groups + [rest]
  }

  /// Groups beside each other, their switches at one height.
  /// - Returns: how much of the height they take.
  private mutating func place(_ line: [Group], at top: Int) -> Int {
    let middle = top + Self.margin + (line.map(\.above).max() ?? 0)
    var left = Self.margin
    for group in line {
      if let hub = group.hub { (vertices[hub].x, vertices[hub].y) = (left + group.width / 2, middle) }
      for (number, index) in group.members.enumerated() {
        let row = number / group.columns
        let column = number % group.columns
        // Rows without a switch go to and fro, so that a ring of wires looks like one.
        let place = group.hub == nil && row % 2 == 1 ? group.columns - 1 - column : column
        let shift = group.rows > 2 && row % 2 == 1 ? Self.stepX / 2 : 0
        let line = group.hub == nil ? row : row < group.rowsAbove ? row - group.rowsAbove : row - group.rowsAbove + 1
        (vertices[index].x, vertices[index].y) = (left + Self.stepX * place + shift, middle + Self.stepY * line)
      }
      left += group.width + 2 * Self.margin
    }
    return middle - top + (line.map(\.below).max() ?? 0) + Self.margin
  }
}
