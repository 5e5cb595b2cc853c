import Foundation
import Glibc
import TestSupport
import Testing

extension RealThings {
  /// The images of docs/live-page.md; only tools/page-screenshots asks for them.
  @Suite(.enabled(if: ProcessInfo.processInfo.environment["APUS_SCREENSHOTS"] != nil)) struct Screenshots {
    private static let file = """
      version: 1
      name: office
      vlans:
        red: { id: 10, subnet: 10.0.10.0/24 }
        blue: { id: 20, subnet: 10.0.20.0/24 }
      switches: { sw1: {}, sw2: {} }
      nodes:
        red1: { kind: netns, nics: { eth0: { switch: sw1, vlan: red } } }
        red2: { kind: netns, nics: { eth0: { switch: sw2, vlan: red } } }
        red3: { kind: netns, nics: { eth0: { switch: sw1, vlan: red } } }
        blue1: { kind: netns, nics: { eth0: { switch: sw1, vlan: blue }, eth1: { address: 10.9.0.1/24 } } }
        blue2: { kind: netns, nics: { eth0: { switch: sw2, vlan: blue }, eth1: { address: 10.9.0.2/24 } } }
        router:
          kind: vm
          image: builtin
          nics:
            eth0:
              switch: sw2
              trunk: [red, blue]
              addresses: { red: 10.0.10.254/24, blue: 10.0.20.254/24 }
      links:
        - { name: core, ends: [sw1, sw2], trunk: [red, blue], impair: { delay: 2ms } }
        - { name: cross, ends: ["blue1:eth1", "blue2:eth1"] }

      """

    @Test(.timeLimit(.minutes(5))) func ofTheLivePage() async throws {
      let folder = try #require(ProcessInfo.processInfo.environment["APUS_SCREENSHOTS"])
      try await PageOfLab.use(Self.file, lab: "office") { page in
        let (browser, sandbox) = (page.browser, page.sandbox)
        for (node, target) in [("red1", "10.0.10.2"), ("blue1", "10.9.0.2")] {
          _ = try sandbox.start(
            [sandbox.binary, "exec", "--lab", "office", node, "--", "ping", "-i", "0.02", "-s", "1000", target],
            log: "\(node).log")
        }
        try await sandbox.apus("link", "set", "red3.eth0", "down", "--lab", "office", expecting: 0)
        for link in ["core", "cross", "red1.eth0"] { try await page.wait(for: page.line(link), toBe: "busy") }
        try await page.wait(for: page.line("red3.eth0"), toBe: "down")
        try await browser.resize(1280, 800)
        try await browser.click("\(page.line("core")) .hit")
        try await page.press("Ports", in: "#panel .tabs")
        try await browser.wait(for: "document.querySelectorAll('#panel tbody tr').length > 8")
        try await browser.evaluate("document.activeElement.blur()")
        try await browser.screenshot("\(folder)/page-light.png")

        try await browser.prefer(dark: true)
        try await browser.click("\(page.thing("router")) .box")
        try await page.press("Events", in: "#panel .tabs")
        try await browser.wait(for: "document.querySelector('#panel .events-table tbody tr')")
        try await browser.evaluate("document.activeElement.blur()")
        try await browser.screenshot("\(folder)/page-dark.png")

        try await browser.prefer(dark: false)
        try await browser.click("#drawer .bar button.close")
        try await browser.click("#fold")
        try await browser.resize(360, 740)
        try await browser.click("#map-tools [aria-label='Everything (0)']")
        try await browser.evaluate("document.activeElement.blur()")
        try await browser.screenshot("\(folder)/page-narrow.png")
      }
    }
  }
}
