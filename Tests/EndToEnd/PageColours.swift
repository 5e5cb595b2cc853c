import Foundation
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// Light and dark: by what the system says, and by the page's own switch.
  @Suite struct PageColours {
    private static let lab = "ape-colours"
    private static let file = """
      version: 1
      name: ape-colours
      vlans: { red: { id: 10, subnet: 10.8.10.0/24 } }
      switches: { sw1: {} }
      nodes:
        a: { kind: netns, nics: { eth0: { switch: sw1, vlan: red } } }
        b: { kind: netns, nics: { eth0: { switch: sw1, vlan: red } } }

      """

    /// Words of the page, each of which is on it in the view that the test opens.
    private static let words = [
      "#top h1", ".product", "#status", "#search", "#theme", "#legend li", "#map .thing.netns .name",
      "#map .thing.netns .state", "#map .thing.switch .name", "#map .thing.switch .state", "#map .words .label",
      "#map .words .marks", "#map .words .bad", "#drawer h2", "#drawer .state-line", "#drawer [aria-selected=true]",
      "#drawer [aria-selected=false]", "#drawer dt", "#drawer dd", "#drawer button.plain", "#drawer button.danger",
      "#drawer h3", "#panel [aria-selected=true]", "#panel thead button", "#panel td", "#panel tbody button.plain",
      "#panel .count", "#map-tools button", "#fold",
    ]

    /// Of each word its contrast as WCAG 2.1 computes it (1.4.3), with the colour that is behind it: an element's own or
    /// its parents', that of the outline for what stands in a thing of the map.
    private static let contrasts = """
      (() => {
        const parts = (colour) => (colour.match(/[0-9.]+/g) ?? []).map(Number)
        const light = (colour) => {
          const [r, g, b] = parts(colour).map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
          return 0.2126 * r + 0.7152 * g + 0.0722 * b
        }
        const ratio = (one, other) => {
          const [low, high] = [light(one), light(other)].sort((x, y) => x - y)
          return (high + 0.05) / (low + 0.05)
        }
        const behind = (element) => {
          const box = element.closest('.thing')?.querySelector('.box')
          if (box) return getComputedStyle(box).fill
          for (let at = element; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor
            if (parts(colour)[3] !== 0) return colour
          }
          return 'rgb(255, 255, 255)'
        }
        const words = WORDS.map((selector) => {
          const element = document.querySelector(selector)
          if (!element || !element.checkVisibility()) return [selector, 0]
          const style = getComputedStyle(element)
          return [selector, ratio(element instanceof SVGElement ? style.fill : style.color, behind(element))]
        })
        // Lines are no words: 3 is enough (1.4.11).
        const probe = document.body.appendChild(document.createElement('i'))
        const lines = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => {
          probe.style.color = `var(--vlan-${index})`
          return [`--vlan-${index}`, ratio(getComputedStyle(probe).color, getComputedStyle(document.body).backgroundColor) * 1.5]
        })
        probe.remove()
        return Object.fromEntries([...words, ...lines])
      })()
      """

    private static func check(_ page: PageOfLab, isDark: Bool, _ how: String) async throws {
      let back = "getComputedStyle(document.body).backgroundColor"
      try await page.browser.wait(for: "\(back) === '\(isDark ? "rgb(18, 22, 28)" : "rgb(246, 247, 249)")'")
      #expect(
        try await page.browser.evaluate("getComputedStyle(document.documentElement).colorScheme").text
          == (isDark ? "dark" : "light"))
      let list = words.map { JSON.text($0).description }.joined(separator: ", ")
      let answer = try await page.browser.evaluate(contrasts.replacing("WORDS", with: "[\(list)]"))
      let ratios = (words + (0..<8).map { "--vlan-\($0)" }).map { ($0, answer[$0].number ?? -1) }
      for (name, ratio) in ratios { #expect(ratio >= 4.5, "\(how): \(name) has a contrast of \(ratio)") }
      let worst = ratios.min { $0.1 < $1.1 }
      print("the live page, \(how): the least contrast is \(worst?.1 ?? 0), of \(worst?.0 ?? "")")
    }

    @Test(.timeLimit(.minutes(5))) func everyWordCanBeReadInBoth() async throws {
      try await PageOfLab.use(Self.file, lab: Self.lab) { page in
        let browser = page.browser
        try await page.sandbox.apus("link", "set", "b.eth0", "down", "delay=3ms", "--lab", Self.lab, expecting: 0)
        try await page.wait(for: page.line("b.eth0"), toBe: "impaired")
        try await browser.click("\(page.thing("a")) .box")
        try await page.press("Ports", in: "#panel .tabs")
        try await browser.wait(for: "document.querySelectorAll('#panel tbody tr').length === 2")
        for isDark in [false, true] {
          try await browser.prefer(dark: isDark)
          try await Self.check(page, isDark: isDark, "the system prefers \(isDark ? "dark" : "light")")
        }
        // The switch goes round: as the system, light, dark. The page keeps it, whatever the system says.
        try await browser.click("#theme")
        try await Self.check(page, isDark: false, "light by the switch, in a dark system")
        try await browser.click("#theme")
        try await browser.prefer(dark: false)
        try await Self.check(page, isDark: true, "dark by the switch, in a light system")
        try await browser.reload()
        try await browser.wait(for: "document.querySelectorAll('#panel tbody tr').length === 2")
        try await browser.wait(for: "document.querySelector('#drawer button.danger')")
        try await page.wait(for: page.line("b.eth0"), toBe: "impaired")
        try await Self.check(page, isDark: true, "dark by the switch, after a reload")
        try await browser.evaluate("document.activeElement.blur()")
        try await browser.key("t")
        try await Self.check(page, isDark: false, "as the system again")
      }
    }
  }
}
