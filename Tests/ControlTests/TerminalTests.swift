import Testing

@testable import Control

/// What a terminal has room for.
@Suite struct TerminalTests {
  @Test func namesAreCutInTheirMiddle() {
    #expect(TerminalText.cutInMiddle("abcdefghij", to: 10) == "abcdefghij")
    #expect(TerminalText.cutInMiddle("abcdefghij", to: 7) == "abc…hij")
    #expect(TerminalText.cutInMiddle("abcdefghij", to: 6) == "abc…ij")
    #expect(TerminalText.cutInMiddle("abcdefghij", to: 1) == "…")
    #expect(TerminalText.cutInMiddle("abcdefghij", to: 0) == "")
    #expect(TerminalText.cutAtEnd("abcdefghij", to: 4) == "abc…")
  }

  @Test func wideAndCombiningCharactersAreCounted() {
    #expect(TerminalText.width("abc") == 3)
    #expect(TerminalText.width("日本") == 4)
    #expect(TerminalText.width("e\u{301}") == 1)
    // A wide character that does not fit is left out whole.
    for limit in 0...8 { #expect(TerminalText.width(TerminalText.cutInMiddle("日本語日本語", to: limit)) <= limit) }
  }

  @Test func controlCharactersBreakNoLine() {
    #expect(TerminalText.clean("a\nb\u{1B}[31mc\td\u{2028}") == "a b [31mc d ")
    let table = Table(columns: [Column("A"), Column("B")], rows: [[Cell("x\ny"), Cell("\u{1B}[2J")]])
    #expect(table.lines(within: 80) == ["A    B", "x y   [2J"])
    // A pipe gets what there is.
    #expect(table.lines[1].contains("\n"))
  }

  @Test func proseGoesOnBelow() {
    let table = Table(
      columns: [Column("STATE"), Column("ADVICE", .prose)],
      rows: [[Cell("missing"), Cell("install the package that has it")], [Cell("ok"), Cell("fine")]])
    #expect(
      table.lines(within: 24) == [
        "STATE    ADVICE", "missing  install the", "         package that", "         has it", "ok       fine",
      ])
  }

  @Test func linesAreWrappedAtBlanks() {
    #expect(TerminalText.wrapped("features  a b c", to: 20, indent: 10) == ["features  a b c"])
    #expect(
      TerminalText.wrapped("features  one two three", to: 16, indent: 10) == [
        "features  one", "          two", "          three",
      ])
    #expect(TerminalText.wrapped("abcdefghij", to: 4, indent: 0) == ["abcd", "efgh", "ij"])
    // Two columns do not fit into one.
    #expect(TerminalText.wrapped("漢字", to: 1, indent: 0) == ["漢", "字"])
    #expect(TerminalText.wrapped("a 漢字 b", to: 1, indent: 0) == ["a", "漢", "字", "b"])
  }

  /// Every width, and cells of every kind: no line is too long, the first column is always there.
  @Test func tablesFit() {
    let columns = [
      Column("NAME"), Column("KIND", rank: 2), Column("COUNT", .right, rank: 1), Column("BYTES", .right, rank: 1),
      Column("NOTE", .prose),
    ]
    let rows = [
      [
        Cell(String(repeating: "node-", count: 20)), Cell("vm"), Cell(UInt64.max), Cell(UInt64.max),
        Cell("some words about it that are long enough to need a second line"),
      ],
      [Cell("b"), Cell(nil), Cell(1), Cell(2), Cell(nil)],
    ]
    for width in 1...200 {
      for isColoured in [false, true] {
        let lines = Table(columns: columns, rows: rows, isColoured: isColoured).lines(within: width)
        #expect(lines.allSatisfy { TerminalText.width($0) <= width }, "\(width): \(lines)")
        #expect(lines[0].hasPrefix(String("NAME".prefix(max(0, width - 1)))) || width < 12, "\(width): \(lines)")
      }
    }
  }

  @Test func whatMattersLeastGoesFirst() {
    let columns = [
      Column("NAME"), Column("MAC", rank: 2), Column("RX", .right, rank: 1), Column("TX", .right, rank: 1),
    ]
    let rows = [[Cell("a-port-of-it"), Cell("02:00:00:00:00:01"), Cell(1_000_000), Cell(2_000_000)]]
    func titles(_ width: Int) -> [Substring] {
      Table(columns: columns, rows: rows).lines(within: width)[0].split(separator: " ")
    }
    #expect(titles(49) == ["NAME", "MAC", "RX", "TX"])
    #expect(titles(40) == ["NAME", "RX", "TX"])
    #expect(titles(20) == ["NAME"])
  }

  @Test func aFrameClearsWhatWasThere() {
    #expect(EscapeSequence.frame(["a", "b"]) == "\u{1B}[Ha\u{1B}[K\r\nb\u{1B}[K\u{1B}[J")
  }

  @Test func figuresAreShort() {
    let cases: [(Double, String)] = [
      (0, "0"), (-1, "0"), (.nan, "0"), (0.04, "0"), (0.44, "0.4"), (1, "1"), (9.96, "10"), (999, "999"),
      (999.7, "1k"), (1234, "1.2k"), (12_345, "12k"), (999_499, "999k"), (999_600, "1M"), (48_000_000, "48M"),
      (9.94e9, "9.9G"), (1e12, "1T"), (1e15, "1P"), (1e19, ">999P"),
    ]
    for (value, text) in cases { #expect(Figure.text(value) == text, "\(value)") }
    var value = 0.001
    while value < 1e20 {
      #expect(Figure.text(value).count <= 5)
      value *= 1.037
    }
  }
}
