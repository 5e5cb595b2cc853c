/// What is written to a terminal besides text: the only place that knows it (ECMA-48, and xterm's private modes).
package enum EscapeSequence {
  private static let introducer = "\u{1B}["

  /// Colours and weights; nothing is told by them alone.
  package enum Style: String, Sendable {
    case bold = "1"
    case reverse = "7"
    case red = "31"
    case green = "32"
    case dim = "2"
  }

  package static func styled(_ text: String, _ style: Style) -> String {
    "\(introducer)\(style.rawValue)m\(text)\(introducer)0m"
  }

  /// Cursor home, and all behind it cleared (CUP, ED).
  package static let home = "\(introducer)H"
  package static let clearToEndOfScreen = "\(introducer)J"
  package static let clearToEndOfLine = "\(introducer)K"
  /// To the beginning of the line, which is cleared: for a line that is written again and again.
  package static let restartLine = "\r\(introducer)2K"

  /// A screen of its own without a cursor; what was there before comes back with `leaveScreen`. Lines are not wrapped, so that
  /// a terminal that has just shrunk shows no broken ones.
  package static let enterScreen = "\(introducer)?1049h\(introducer)?25l\(introducer)?7l\(introducer)2J"
  package static let leaveScreen = "\(introducer)0m\(introducer)?7h\(introducer)?25h\(introducer)?1049l"

  /// One frame of a screen: each line over the one that was there, the rest cleared.
  ///
  /// For a raw terminal, too: nothing depends on what it makes of a line feed.
  package static func frame(_ lines: [String]) -> String {
    home + lines.map { $0 + clearToEndOfLine }.joined(separator: "\r\n") + clearToEndOfScreen
  }
}
