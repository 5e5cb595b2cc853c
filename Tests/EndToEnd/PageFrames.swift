import Foundation
import TestSupport
import Testing

extension RealThings {
  /// Live frames in the page, in a real browser.
  @Suite struct PageFrames {
    private static let lab = "ape-pageframes"

    private static let file = """
      version: 1
      name: ape-pageframes
      switches: { sw1: {} }
      nodes:
        h1: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/24 } } }
        h2: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.2/24 } } }

      """

    private static let rows = "document.querySelector('#panel .frames tbody').rows"

    @Test(.timeLimit(.minutes(5))) func theLastFramesWithAFilterAndAPause() async throws {
      try await PageOfLab.use(Self.file, lab: Self.lab) { page in
        let browser = page.browser
        try await page.press("Frames", in: "#panel .tabs")
        try await browser.wait(for: "document.querySelector('#panel .frames-status').textContent === 'live'")
        try await eventually("the daemon has the capture") { try await page.sandbox.captures(Self.lab).count == 1 }
        try await page.sandbox.shell("h1", "ping -c 2 -i 0.2 10.0.0.2", lab: Self.lab)
        try await browser.wait(for: "[...\(Self.rows)].filter(row => row.textContent.includes('ICMP')).length >= 8")

        // More than a person can read: 500 rows at most, and how many were left out.
        try await page.sandbox.shell("h1", "ping -f -c 3000 -w 30 10.0.0.2 >/dev/null", lab: Self.lab)
        try await browser.wait(for: "document.querySelector('#panel .frames-lost').textContent.includes('not shown')")
        try await browser.wait(for: "\(Self.rows).length <= 500 && \(Self.rows).length > 100")

        // While it is paused nothing moves.
        try await page.press("Pause", in: "#panel .frames")
        try await page.press("Clear", in: "#panel .frames")
        try await page.sandbox.shell("h1", "ping -c 2 -i 0.2 10.0.0.2", lab: Self.lab)
        #expect(try await browser.evaluate("\(Self.rows).length").number == 0)
        try await page.press("Go on", in: "#panel .frames")
        try await browser.wait(for: "\(Self.rows).length > 0")

        // Another filter, for which the daemon is asked anew.
        try await page.press("Clear", in: "#panel .frames")
        try await browser.click("#panel .frames input[id$=filter]")
        try await browser.type("arp")
        try await browser.key("Enter")
        try await eventually("the daemon has the filter") {
          try await page.sandbox.captures(Self.lab).map(\.filter) == ["arp"]
        }
        try await page.sandbox.shell("h1", "ip neigh flush all; ping -c 1 10.0.0.2", lab: Self.lab)
        try await browser.wait(for: "[...\(Self.rows)].some(row => row.textContent.includes('who has'))")
        let others = try await browser.evaluate(
          "[...\(Self.rows)].filter(row => row.textContent.includes('echo')).length")
        #expect(others.number == 0)
      }
    }

    /// A refusal stands at the field that it is about. (A real one would be an error of the console too.)
    @Test(.timeLimit(.minutes(5))) func aRefusalStandsAtItsField() async throws {
      try await PageOfLab.use(Self.file, lab: Self.lab) { page in
        let said = try await page.browser.evaluate(
          """
          (async () => {
            const { open } = await import("/page/frames.js")
            const box = document.createElement("div")
            document.body.append(box)
            const seen = []
            for (const message of ['filter "tcp prot": syntax error', 'lab two has no port "x"']) {
              const fail = Object.assign(new Error(message), { hint: "look there" })
              const context = { lab: "two", api: async () => null, stream: async () => { throw fail } }
              const opened = open(box, context, { targets: ["x"] })
              await new Promise((done) => setTimeout(done, 0))
              seen.push(box.querySelector(".fault").textContent)
              for (const name of ["filter", "targets"]) {
                seen.push(box.querySelector(`input[id$=${name}]`).getAttribute("aria-invalid"))
              }
              opened.close()
              seen.push(box.childElementCount)
            }
            box.remove()
            return seen.join(" | ")
          })()
          """)
        #expect(
          said.text == #"filter "tcp prot": syntax error (look there) | true | false | 0 | "#
            + #"lab two has no port "x" (look there) | false | true | 0"#)
      }
    }
  }
}
