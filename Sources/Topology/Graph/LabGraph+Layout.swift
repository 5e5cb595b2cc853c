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
    guard !groups.isEmpty else { return }
    let most = (1...groups.count).min { badness(of: groups, perLine: $0) < badness(of: groups, perLine: $1) } ?? 1
    var top = 0
    for first in stride(from: 0, to: groups.count, by: most) {
      top += place(Array(groups[first..<min(first + most, groups.count)]), at: top)
    }
  }

  /// How far from what fits a screen a drawing is: 1 = not at all.
  /// - Parameter perLine: groups beside each other.
  private func badness(of groups: [Group], perLine: Int) -> Double {
    var width = 0
    var height = 0
    for first in stride(from: 0, to: groups.count, by: perLine) {
      let line = groups[first..<min(first + perLine, groups.count)]
      width = max(width, line.map { $0.width + 2 * Self.margin }.reduce(0, +))
      height += (line.map(\.above).max() ?? 0) + (line.map(\.below).max() ?? 0) + 2 * Self.margin
    }
    let ratio = Double(width) / (1.6 * Double(height))
    return max(ratio, 1 / ratio)
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
