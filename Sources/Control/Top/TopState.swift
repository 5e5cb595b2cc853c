/// What somebody who looks at `top` has chosen, and how keys change it.
package struct TopState: Sendable, Equatable {
  /// What a key asks of who shows the screen.
  package enum Wish: Sendable, Equatable { case stay, leave, suspend }

  /// How a view is sorted.
  struct Order: Sendable, Equatable {
    /// Title of a column; nil: as in the lab file.
    var column: String?
    /// The other way round than the column usually is: numbers highest first, texts ascending.
    var isReversed = false
  }

  package var view: TopView
  package var filter: String
  /// Rows that are above the screen.
  package internal(set) var offset = 0
  /// The filter is being typed; with the one that was there before.
  package internal(set) var formerFilter: String?
  package internal(set) var showsHelp = false
  private var orders: [TopView: Order] = [:]

  package init(view: TopView = .ports, filter: String = "") {
    self.view = view
    self.filter = filter
  }

  var order: Order {
    get { orders[view] ?? Order(column: view.usualOrder) }
    set { orders[view] = newValue }
  }

  /// Sorts the view by the column with this title, in any case of letters.
  /// - Returns: false when the view has none.
  package mutating func sort(by title: String) -> Bool {
    guard let column = view.columns.first(where: { $0.title.lowercased() == title.lowercased() }) else { return false }
    order = Order(column: column.title)
    return true
  }

  /// - Parameter page: rows of the table that the screen shows.
  package mutating func press(_ key: TopKey, page: Int) -> Wish {
    switch key {
    case .interrupt: return .leave
    case .suspend: return .suspend
    default: break
    }
    if formerFilter != nil {
      edit(key)
      return .stay
    }
    if showsHelp {
      showsHelp = false
      return key == .character("q") ? .leave : .stay
    }
    return command(key, max(1, page))
  }

  private mutating func edit(_ key: TopKey) {
    switch key {
    case .character(let character): filter.append(character)
    case .backspace: if !filter.isEmpty { filter.removeLast() }
    case .enter: formerFilter = nil
    case .escape:
      filter = formerFilter ?? ""
      formerFilter = nil
    default: break
    }
    offset = 0
  }

  private mutating func command(_ key: TopKey, _ page: Int) -> Wish {
    switch key {
    case .character(let character): return command(character)
    case .escape: filter = ""
    case .up: offset -= 1
    case .down: offset += 1
    case .pageUp: offset -= page
    case .pageDown: offset += page
    case .first: offset = 0
    case .last: offset = .max
    case .left: moveOrder(-1)
    case .right: moveOrder(1)
    case .enter, .backspace, .interrupt, .suspend: break
    }
    offset = max(0, offset)
    return .stay
  }

  private mutating func command(_ character: Character) -> Wish {
    if let view = TopView.allCases.first(where: { $0.keys.contains(character) }) {
      (self.view, offset) = (view, 0)
      return .stay
    }
    switch character {
    case "q", "Q": return .leave
    case "s", ">": moveOrder(1)
    case "<": moveOrder(-1)
    case "r", "S": order.isReversed.toggle()
    case "/": formerFilter = filter
    case "?", "h": showsHelp = true
    default: break
    }
    return .stay
  }

  /// To the next column, or to the order of the lab file, which is before the first.
  private mutating func moveOrder(_ step: Int) {
    let titles: [String?] = [nil] + view.columns.map(\.title)
    let place = titles.firstIndex(of: order.column) ?? 0
    order = Order(column: titles[(place + step + titles.count) % titles.count])
    offset = 0
  }

  /// Keeps the last rows at the end of the screen.
  package mutating func settle(rows: Int, page: Int) { offset = min(max(0, offset), max(0, rows - max(1, page))) }
}
