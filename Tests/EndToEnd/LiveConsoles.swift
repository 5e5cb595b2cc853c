import Foundation
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// Consoles and shells in the live page, in a real browser.
  @Suite struct LiveConsoles {
    private static let lab = "ape-term"
    private static let file = """
      version: 1
      name: ape-term
      switches: { sw1: {} }
      nodes:
        red1: { kind: netns, nics: { eth0: { switch: sw1 } } }
        vm1: { kind: vm, nics: { eth0: { switch: sw1 } } }
      """

    /// The page of the panel that is in front.
    private static let front = "[...document.querySelectorAll('#panel .page')].find(page => page.checkVisibility())"

    /// Opens a tab of the panel by the address, with what reads the screen aloud, which is what a test can read.
    private static func open(_ what: String, of node: String, in page: PageOfLab) async throws {
      try await page.browser.evaluate("location.hash = '#panel=\(what):\(node)'")
      try await status("connected", in: page)
      try await page.press("Screen reader", in: "#panel")
      try await page.browser.evaluate("\(front).querySelector('.xterm textarea').focus()")
    }

    private static func status(_ words: String, in page: PageOfLab) async throws {
      try await page.browser.wait(
        for: "\(front)?.querySelector('[role=status]')?.textContent.includes(\(JSON.text(words)))", seconds: 100)
    }

    /// Waits until the terminal in front shows a text.
    private static func shows(_ text: String, in page: PageOfLab) async throws {
      try await page.browser.wait(
        for: "\(front)?.querySelector('.xterm-accessibility-tree')?.textContent.replaceAll('\\u00a0', ' ')"
          + ".includes(\(JSON.text(text)))", seconds: 100)
    }

    /// Types a line that prints `word`, which is not in the line itself.
    private static func talk(_ word: String, in page: PageOfLab) async throws {
      try await page.browser.type("echo \(word.prefix(2))''\(word.dropFirst(2))\n")
      try await shows(word, in: page)
    }

    @Test(.timeLimit(.minutes(6))) func aPersonUsesConsolesAndShells() async throws {
      try await PageOfLab.use(Self.file, lab: Self.lab) { page in
        try await page.wait(for: page.thing("vm1"), toBe: "running", seconds: 100)
        try await Self.open("console", of: "vm1", in: page)
        try await page.browser.type("\n")
        try await Self.talk("alive", in: page)
        try await Self.takenAndTakenBack(page)
        try await Self.shell(page)
        try await Self.narrow(page)
      }
    }

    /// Somebody at a terminal takes the console over, and the page takes it back.
    private static func takenAndTakenBack(_ page: PageOfLab) async throws {
      let other = try TerminalClient(
        [page.sandbox.binary, "console", "--lab", lab, "--steal", "vm1"], environment: page.sandbox.environment)
      defer { other.end() }
      try await other.expect("Ctrl-] leaves")
      try await status("somebody else has taken the console over", in: page)
      try await page.press("Reconnect", in: "#panel")
      try await status("is in use", in: page)
      try await page.press("Take it over", in: "#panel")
      try await status("connected", in: page)
      try await other.expect("another client has taken over")
      try await page.browser.evaluate("\(front).querySelector('.xterm textarea').focus()")
      try await talk("goeson", in: page)
    }

    /// A shell has the size of its terminal, and an end that can be followed by another one.
    private static func shell(_ page: PageOfLab) async throws {
      try await open("shell", of: "red1", in: page)
      // Keys of the page are the terminal's now.
      try await talk("gl/?t", in: page)
      try await page.browser.resize(1000, 900)
      try await eventually("the shell has the terminal's size", within: 60) {
        try await page.browser.type("clear; stty size\n")
        let rows = "\(front).querySelectorAll('.xterm-accessibility-tree > *').length"
        guard let count = try await page.browser.evaluate(rows).number, count > 1 else { return false }
        let shown = "\(front).querySelector('.xterm-accessibility-tree').textContent.replaceAll('\\u00a0', ' ')"
        return (try? await page.browser.wait(for: "\(shown).includes('\(Int(count)) ')", seconds: 3)) != nil
      }
      try await page.browser.key("Control+Shift+Escape")
      try await page.browser.wait(for: "!document.activeElement.closest('.xterm')")
      try await page.browser.evaluate("\(front).querySelector('.xterm textarea').focus()")
      try await page.browser.type("exit 3\n")
      try await status("the shell has ended with status 3", in: page)
      try await page.press("New shell", in: "#panel")
      try await status("connected", in: page)
      try await page.browser.evaluate("\(front).querySelector('.xterm textarea').focus()")
      try await talk("another", in: page)
    }

    private static func narrow(_ page: PageOfLab) async throws {
      try await page.browser.resize(360, 740)
      try await page.browser.wait(for: "document.documentElement.scrollWidth <= 360")
      try await page.browser.wait(for: "\(front).querySelector('.xterm-screen').offsetWidth <= 360")
      // The other one has been there all the time.
      try await page.press("vm1 console", in: "#panel .tabs")
      try await page.browser.evaluate("\(front).querySelector('.xterm textarea').focus()")
      try await talk("still", in: page)
    }
  }
}
