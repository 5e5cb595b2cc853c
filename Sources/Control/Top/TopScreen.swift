/// Draws `top`: what is known and what was chosen become lines, which fit the terminal whatever its size.
package struct TopScreen {
  /// Lines of the screen that are no rows of the table: two above it, its header, one below.
  private static let otherLines = 4

  /// Of the terminal.
  let rows: Int
  let columns: Int
  let isColoured: Bool

  package init(rows: Int, columns: Int, isColoured: Bool) {
    self.rows = max(1, rows)
    self.columns = max(1, columns)
    self.isColoured = isColoured
  }

  /// Rows of the table that are shown at once.
  package var page: Int { max(1, rows - Self.otherLines) }

  /// - Parameters:
  ///   - data: nil: nothing is known yet.
  ///   - state: how far it is scrolled is put right.
  ///   - notice: shown in the last line instead of the keys, as that the daemon is away.
  ///   - time: of the clock, as it is to be shown.
  /// - Returns: at most `rows` lines of at most `columns` columns each.
  package func lines(_ data: TopData?, _ state: inout TopState, notice: String?, time: String) -> [String] {
    if state.showsHelp { return clipped(Self.help) }
    guard let data else { return clipped([notice ?? "asking the daemon"]) }
    let table = data.table(state)
    state.settle(rows: table.rows.count, page: page)
    let shown = Array(table.rows[min(state.offset, table.rows.count)...].prefix(page))
    var lines = [header(data.summary, time), tabs(state, table.rows.count, shown.count)]
    // Widths are those of all rows, so that scrolling does not shift columns.
    let all = Table(columns: table.columns, rows: table.rows.map { $0.map(\.cell) }, isColoured: isColoured)
      .lines(within: columns)
    lines.append(isColoured ? EscapeSequence.styled(all[0], .bold) : all[0])
    lines += all.dropFirst().dropFirst(state.offset).prefix(page)
    lines += Array(repeating: "", count: max(0, rows - 1 - lines.count))
    // Where there is no room for all, rows matter more than what is above them.
    if rows <= Self.otherLines { lines = Array(lines.dropFirst(2).prefix(rows)) }
    return Array(lines.prefix(rows - (rows > 2 ? 1 : 0))) + (rows > 2 ? [footer(state, notice)] : [])
  }

  /// Everything, for who does not look at a screen.
  /// - Parameter width: columns of the terminal; nil = no limit.
  package static func report(
    _ data: TopData, _ state: TopState, time: String, width: Int?, isColoured: Bool
  ) -> [String] {
    let table = data.table(state)
    let rows = Table(columns: table.columns, rows: table.rows.map { $0.map(\.cell) }, isColoured: isColoured)
    return ["\(time)  \(data.summary)"] + rows.lines(within: width)
  }

  private func clipped(_ lines: [String]) -> [String] {
    lines.prefix(rows).map { TerminalText.cutAtEnd(TerminalText.clean($0), to: columns) }
  }

  private func header(_ summary: String, _ time: String) -> String {
    let room = columns - time.count - 2
    guard room > 20 else { return TerminalText.cutAtEnd(TerminalText.clean(summary), to: columns) }
    return TerminalText.padded(TerminalText.cutAtEnd(TerminalText.clean(summary), to: room), to: room) + "  " + time
  }

  /// `[1 ports] 2 links 3 workers 4 nodes   by RX-BIT/S   "vm": 3 of 12`
  private func tabs(_ state: TopState, _ count: Int, _ shown: Int) -> String {
    let tabs = TopView.allCases.enumerated().map { index, view in
      view == state.view ? "[\(index + 1) \(view.rawValue)]" : " \(index + 1) \(view.rawValue) "
    }.joined()
    var words = state.order.column.map { "by \($0)" } ?? "as in the lab"
    if state.order.isReversed { words += ", reversed" }
    if !state.filter.isEmpty { words += "  with \"\(state.filter)\"" }
    if shown < count { words += "  \(state.offset + 1)-\(state.offset + shown) of \(count)" }
    if count == 0 { words += "  none" }
    return TerminalText.cutAtEnd(TerminalText.clean("\(tabs)  \(words)"), to: columns)
  }

  private func footer(_ state: TopState, _ notice: String?) -> String {
    if state.formerFilter != nil { return TerminalText.cutInMiddle("filter: \(state.filter)_", to: columns) }
    let text = notice ?? "p l w n views  s < > sort  r reverse  / filter  arrows scroll  ? help  q quit"
    let cut = TerminalText.cutAtEnd(TerminalText.clean(text), to: columns)
    guard isColoured else { return cut }
    return EscapeSequence.styled(cut, notice == nil ? .dim : .red)
  }

  private static let help = [
    "Keys of apus top", "",
    "p l w n, 1-4     ports, links, workers, nodes",
    "s or >, <        sort by the next column, the one before; before the first: as in the lab",
    "r                the other way round",
    "/                filter: only rows with that text; Enter keeps it, Esc takes the former one",
    "Esc              no filter",
    "arrows, PgUp, PgDn, Home, End   scroll; left and right sort",
    "Ctrl-Z           stop for now (fg goes on)",
    "q, Ctrl-C        leave", "",
    "RX: from the node into the switch, TX: to the node. Of a link, TO: what its first end sends.",
    "k, M, G are thousands of thousands; PPS: frames a second, BIT/S: their bits, without preamble and gap.", "",
    "Any key goes back.",
  ]
}
