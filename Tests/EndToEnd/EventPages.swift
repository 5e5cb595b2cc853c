import Foundation
import TestSupport
import Testing

extension RealThings {
  /// Events in the live page, in a real browser.
  @Suite struct EventPages {
    private static let lab = "ape-evpage"

    private static let file = """
      version: 1
      name: ape-evpage
      switches: { sw: {} }
      nodes:
        a: { kind: netns, nics: { eth0: { switch: sw, address: 10.4.0.1/24 } } }
        b: { kind: netns, nics: { eth0: { switch: sw, address: 10.4.0.2/24 } } }

      """

    private static let rows = "document.querySelectorAll('.events-table tbody tr')"

    /// Whether there is a row with all of these texts.
    private static func has(_ texts: String...) -> String {
      let conditions = texts.map { "row.textContent.includes('\($0)')" }.joined(separator: " && ")
      return "[...\(rows)].some((row) => \(conditions))"
    }

    @Test(.timeLimit(.minutes(5))) func thePanelShowsWhatHappens() async throws {
      try await PageOfLab.use(Self.file, lab: Self.lab) { page in
        let browser = page.browser
        try await page.press("Events", in: "#panel .tabs")
        // What was before the page was opened, too.
        try await browser.wait(for: Self.has("lab.up", "ape-evpage", "is up: "))
        try await browser.wait(for: Self.has("port.up", "a.eth0", "is up"))
        try await page.sandbox.apus("link", "set", "a.eth0", "down", "--lab", Self.lab, expecting: 0)
        try await browser.wait(for: Self.has("link.carrier", "a.eth0", "✕ carrier is down"))

        // Held back while somebody reads, and there when he goes on.
        try await page.press("Pause", in: "#panel .table-bar")
        try await page.sandbox.apus("link", "set", "a.eth0", "up", "delay=3ms", "--lab", Self.lab, expecting: 0)
        try await browser.wait(for: "document.querySelector('.events-status').textContent.includes('new ones wait')")
        #expect(try await browser.evaluate(Self.has("link.impaired")) == false)
        try await page.press("Go on", in: "#panel .table-bar")
        try await browser.wait(for: Self.has("link.impaired", "a.eth0", "is impaired: from a.eth0 delay 3ms"))

        // A filter by what stands in a row, and a subject that is chosen.
        try await browser.click("#panel .page:not([hidden]) .table-bar input")
        try await browser.type("node.ready")
        try await browser.wait(for: "\(Self.rows).length === 2")
        #expect(
          try await browser.evaluate("[...\(Self.rows)].every((row) => row.dataset.type === 'node.ready')") == true)
        // Either may have been ready first.
        let last = ".events-table tbody tr:last-child button.plain"
        let node = try await page.text(last)
        #expect(["a", "b"].contains(node), "\(node)")
        try await browser.click(last)
        try await browser.wait(for: "location.hash.startsWith('#node=\(node)')")
      }
    }
  }
}
