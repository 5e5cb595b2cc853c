import CLinux

/// How much text a terminal shows.
package struct WindowSize: Sendable, Equatable {
  package var rows: UInt16
  package var columns: UInt16

  package init(rows: UInt16, columns: UInt16) {
    self.rows = rows
    self.columns = columns
  }
}

/// Terminals for processes that look for one (pty(7)).
package enum PseudoTerminal {
  /// A new terminal, in the modes that a login finds.
  /// - Returns: our end, which does not block (what is written to it was typed, what is read from it is shown), and the
  ///   process's.
  package static func open(_ size: WindowSize) throws(SystemError) -> (master: Descriptor, terminal: Descriptor) {
    try unsafe Descriptor.pair("openpt") { unsafe clinux_terminal_open($0, size.rows, size.columns) }
  }

  /// Tells either end of a terminal its size; what runs in its foreground gets SIGWINCH.
  package static func resize(_ terminal: Descriptor, to size: WindowSize) throws(SystemError) {
    try check(
      clinux_terminal_resize(terminal.raw, size.rows, size.columns), "ioctl",
      "size \(size.columns)x\(size.rows) of terminal \(terminal.raw)")
  }

  /// The size of either end of a terminal.
  /// - Returns: nil for anything else, and for a terminal that does not know its size.
  package static func size(of terminal: Descriptor) -> WindowSize? {
    var size = WindowSize(rows: 0, columns: 0)
    guard unsafe clinux_terminal_size(terminal.raw, &size.rows, &size.columns) == 0 else { return nil }
    return size.rows > 0 && size.columns > 0 ? size : nil
  }
}
