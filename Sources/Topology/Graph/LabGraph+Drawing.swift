/// The graph in the languages of drawing programs.
extension LabGraph {
  /// A flowchart of Mermaid, as GitHub and GitLab show it in Markdown.
  package func mermaid() -> String {
    var lines = ["graph LR"]
    for (index, vertex) in vertices.enumerated() {
      let text = Self.label(vertex).map(Self.htmlEscaped).joined(separator: "<br/>")
      lines.append(vertex.kind == "switch" ? "  v\(index){{\"\(text)\"}}" : "  v\(index)[\"\(text)\"]")
    }
    for edge in edges {
      let line = edge.carrier == "down" ? "-.-" : "---"
      lines.append("  \(place(edge.first)) \(line)|\"\(Self.htmlEscaped(edge.label))\"| \(place(edge.second))")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A graph of Graphviz.
  package func dot() -> String {
    var lines = [
      "graph \"\(name)\" {", "  node [fontname=\"sans-serif\"]; edge [fontname=\"sans-serif\", fontsize=10];",
    ]
    for (index, vertex) in vertices.enumerated() {
      let shape = vertex.kind == "switch" ? "hexagon" : "box"
      lines.append("  v\(index) [shape=\(shape), label=\"\(Self.label(vertex).joined(separator: "\\n"))\"];")
    }
    for edge in edges {
      let style = edge.carrier == "down" ? ", style=dashed" : ""
      lines.append("  \(place(edge.first)) -- \(place(edge.second)) [label=\"\(edge.label)\"\(style)];")
    }
    return (lines + ["}"]).joined(separator: "\n") + "\n"
  }

  /// A drawing that needs no program: nodes around their switches.
  package func svg() -> String {
    let width = (vertices.map(\.x).max() ?? 0) + Self.margin
    let height = (vertices.map(\.y).max() ?? 0) + Self.margin
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(width) \(height)\" "
        + "font-family=\"sans-serif\" font-size=\"12\" text-anchor=\"middle\">"
    ]
    for edge in edges {
      guard let a = position(edge.first), let b = position(edge.second) else { continue }
      let (from, to) = (vertices[a], vertices[b])
      let dash = edge.carrier == "down" ? " stroke-dasharray=\"4 4\"" : ""
      lines.append(
        "<line x1=\"\(from.x)\" y1=\"\(from.y)\" x2=\"\(to.x)\" y2=\"\(to.y)\" stroke=\"#777\"\(dash)>"
          + "<title>\(Self.htmlEscaped(edge.name))</title></line>")
      lines.append(
        "<text x=\"\((from.x + to.x) / 2)\" y=\"\((from.y + to.y) / 2 - 4)\" font-size=\"9\" fill=\"#555\">"
          + "\(Self.htmlEscaped(edge.label))</text>")
    }
    for vertex in vertices { lines += Self.box(vertex) }
    return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  // MARK: - Parts

  private static func box(_ vertex: Vertex) -> [String] {
    let texts = label(vertex)
    let fill =
      switch (vertex.kind, vertex.state) {
      case ("switch", _): "#dce9f7"
      case (_, "failed"): "#f7dcdc"
      case (_, "stopped"): "#e6e6e6"
      default: "#e3f4dd"
      }
    let height = 14 * texts.count + 10
    let top = vertex.y - height / 2
    let shape =
      "<rect x=\"\(vertex.x - 60)\" y=\"\(top)\" width=\"120\" height=\"\(height)\" rx=\"\(vertex.kind == "switch" ? 14 : 3)\" "
      + "fill=\"\(fill)\" stroke=\"#555\"/>"
    return [shape]
      + texts.enumerated().map { index, text in
        "<text x=\"\(vertex.x)\" y=\"\(top + 16 + 14 * index)\">\(htmlEscaped(text))</text>"
      }
  }

  private func position(_ name: String) -> Int? { vertices.firstIndex { $0.name == name } }

  private func place(_ name: String) -> String { "v\(position(name) ?? 0)" }

  private static func label(_ vertex: Vertex) -> [String] {
    var texts = [vertex.name, vertex.state.map { "\(vertex.kind), \($0)" } ?? vertex.kind]
    texts += vertex.addresses.prefix(3)
    return texts
  }

  private static func htmlEscaped(_ text: String) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      default: escaped.append(character)
      }
    }
    return escaped
  }
}
