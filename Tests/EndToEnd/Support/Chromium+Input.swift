import TestSupport

/// A button of the mouse, by the DevTools protocol's name.
enum MouseButton: String {
  case left
  case right
}

extension Chromium {
  /// Where a person would press an element: its middle, and that of a path on the path itself.
  ///
  /// What it is covered by at that place comes with it.
  private static func place(of selector: String) -> String {
    """
    (() => {
      const element = document.querySelector(\(JSON.text(selector)))
      if (!element) return { missing: true }
      element.scrollIntoView({ block: 'nearest', inline: 'nearest', behavior: 'instant' })
      const box = element.getBoundingClientRect()
      let [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
      if (element instanceof SVGGeometryElement) {
        const middle = element.getPointAtLength(element.getTotalLength() / 2)
        const onScreen = new DOMPoint(middle.x, middle.y).matrixTransform(element.getScreenCTM())
        if (['path', 'line', 'polyline'].includes(element.localName)) [x, y] = [onScreen.x, onScreen.y]
      }
      const top = document.elementFromPoint(x, y)
      const name = e => e ? '<' + e.localName + (e.id ? ' id=' + e.id : '') + '>' : 'nothing'
      return { x, y, cover: element.contains(top) ? null : name(top) }
    })()
    """
  }

  /// Waits until an element is there, keeps still and is not covered by another.
  /// - Returns: where it is, in CSS pixels of the window.
  private func reach(_ selector: String, within seconds: Double) async throws -> (x: Double, y: Double) {
    var last = JSON.null
    var answer = JSON.null
    do {
      try await eventually(selector, within: seconds) {
        last = answer
        answer = try await evaluate(Self.place(of: selector))
        return answer["x"] != .null && answer["cover"] == .null && answer == last
      }
    } catch is NotInTime {
      let why = answer["cover"].text.map { "is covered by \($0)" } ?? (last == answer ? "is missing" : "moves")
      throw Failure("\(selector) \(why), after \(seconds) s")
    }
    return (answer["x"].number ?? 0, answer["y"].number ?? 0)
  }

  /// Presses an element with the mouse, once it can be reached.
  /// - Parameter count: 2 for a double click.
  func click(
    _ selector: String, button: MouseButton = .left, count: Int = 1, within seconds: Double = 30
  ) async throws {
    let place = try await reach(selector, within: seconds)
    try await mouse("mouseMoved", place)
    for number in 1...max(1, count) {
      try await mouse("mousePressed", place, button, count: number)
      try await mouse("mouseReleased", place, button, count: number)
    }
  }

  /// Puts the mouse over an element.
  func hover(_ selector: String, within seconds: Double = 30) async throws {
    try await mouse("mouseMoved", try await reach(selector, within: seconds))
  }

  /// Takes an element with the mouse and lets go of it somewhere else, so many CSS pixels away.
  func drag(_ selector: String, by distance: (x: Double, y: Double), within seconds: Double = 30) async throws {
    let place = try await reach(selector, within: seconds)
    try await mouse("mouseMoved", place)
    try await mouse("mousePressed", place, .left, count: 1)
    // In steps, as a hand does it.
    for step in 1...4 {
      let part = Double(step) / 4
      try await mouse("mouseMoved", (place.x + distance.x * part, place.y + distance.y * part), .left)
    }
    try await mouse("mouseReleased", (place.x + distance.x, place.y + distance.y), .left, count: 1)
  }

  /// Turns the wheel over an element, so many CSS pixels down (or up, below zero).
  func scroll(_ selector: String, down distance: Double, within seconds: Double = 30) async throws {
    let place = try await reach(selector, within: seconds)
    try await command(
      "Input.dispatchMouseEvent",
      [
        "type": "mouseWheel", "x": .number(place.x), "y": .number(place.y), "deltaX": 0, "deltaY": .number(distance),
      ])
  }

  /// Gives a field for files one, as a person does in the system's window, which no browser without a screen has.
  func choose(file path: String, in selector: String) async throws {
    let field = try await command(
      "Runtime.evaluate", ["expression": .text("document.querySelector(\(JSON.text(selector)))")])
    guard let identifier = field["result"]["objectId"].text else { throw Failure("\(selector) is missing") }
    try await command("DOM.setFileInputFiles", ["files": [.text(path)], "objectId": .text(identifier)])
  }

  private func mouse(
    _ type: String, _ place: (x: Double, y: Double), _ button: MouseButton? = nil, count: Int = 0
  ) async throws {
    var event: [String: JSON] = ["type": .text(type), "x": .number(place.x), "y": .number(place.y)]
    if let button {
      event["button"] = .text(button.rawValue)
      event["buttons"] = type == "mouseReleased" ? 0 : button == .left ? 1 : 2
      event["clickCount"] = .number(Double(count))
    }
    try await command("Input.dispatchMouseEvent", .fields(event))
  }

  // MARK: - Keyboard

  /// Types a text where the focus is, key by key; a newline is Enter.
  func type(_ text: String) async throws {
    for character in text {
      try await key(character == "\n" ? "Enter" : character == "\t" ? "Tab" : String(character))
    }
  }

  /// Presses a key by its name in JavaScript (`Escape`, `ArrowUp`, `/`, `a`), with `Control+`, `Alt+`, `Meta+` and
  /// `Shift+` before it as need be.
  func key(_ name: String) async throws {
    var modifiers = 0
    var name = name
    for (word, bit) in [("Alt+", 1), ("Control+", 2), ("Meta+", 4), ("Shift+", 8)] where name.contains(word) {
      modifiers |= bit
      name = name.replacing(word, with: "")
    }
    let key = Key(name, isWritten: modifiers & ~8 == 0)
    var event: [String: JSON] = [
      "key": .text(name), "code": .text(key.code), "windowsVirtualKeyCode": .number(Double(key.number)),
      "modifiers": .number(Double(modifiers)),
    ]
    var up = event
    if let text = key.text { event["text"] = .text(text) }
    event["type"] = key.text == nil ? "rawKeyDown" : "keyDown"
    up["type"] = "keyUp"
    try await command("Input.dispatchKeyEvent", .fields(event))
    try await command("Input.dispatchKeyEvent", .fields(up))
  }
}

/// What a keyboard says of a key.
private struct Key {
  /// `KeyboardEvent.code`, empty if no key of an English keyboard has the name.
  var code: String
  /// `KeyboardEvent.keyCode`; 0 if unknown.
  var number: Int
  /// What it writes; nil if nothing.
  var text: String?

  private static let named: [String: (number: Int, text: String?)] = [
    "Backspace": (8, nil), "Tab": (9, nil), "Enter": (13, "\r"), "Escape": (27, nil), "PageUp": (33, nil),
    "PageDown": (34, nil), "End": (35, nil), "Home": (36, nil), "ArrowLeft": (37, nil), "ArrowUp": (38, nil),
    "ArrowRight": (39, nil), "ArrowDown": (40, nil), "Insert": (45, nil), "Delete": (46, nil), "ContextMenu": (93, nil),
    "F1": (112, nil), "F2": (113, nil), "F5": (116, nil), "F10": (121, nil),
  ]

  init(_ name: String, isWritten: Bool) {
    if let named = Self.named[name] {
      (code, number, text) = (name, named.number, named.text)
      return
    }
    text = isWritten ? name : nil
    let upper = name.uppercased()
    guard upper.utf8.count == 1, let byte = upper.utf8.first else {
      (code, number) = ("", 0)
      return
    }
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): (code, number) = ("Key\(upper)", Int(byte))
    case UInt8(ascii: "0")...UInt8(ascii: "9"): (code, number) = ("Digit\(upper)", Int(byte))
    case UInt8(ascii: " "): (code, number) = ("Space", Int(byte))
    case UInt8(ascii: "/"): (code, number) = ("Slash", 191)
    case UInt8(ascii: "?"): (code, number) = ("Slash", 191)
    default: (code, number) = ("", 0)
    }
  }
}
