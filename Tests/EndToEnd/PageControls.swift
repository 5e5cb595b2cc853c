import Foundation
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// What a person does with the live page by mouse and by keys, and what is left of it afterwards.
  @Suite struct PageControls {
    private static let lab = "ape-controls"
    private static let file = """
      version: 1
      name: ape-controls
      vlans: { red: { id: 10, subnet: 10.8.10.0/24 }, blue: { id: 20, subnet: 10.8.20.0/24 } }
      switches: { sw1: {}, sw2: {} }
      nodes:
        a: { kind: netns, nics: { eth0: { switch: sw1, vlan: red } } }
        b: { kind: netns, nics: { eth0: { switch: sw2, vlan: red } } }
        c: { kind: netns, nics: { eth0: { switch: sw2, vlan: blue } } }
      links: [ { name: core, ends: [sw1, sw2], trunk: [red, blue] } ]

      """

    private static func use(_ body: (PageOfLab) async throws -> Void) async throws {
      try await PageOfLab.use(file, lab: lab, body)
    }

    // MARK: - Places

    /// Where a thing of the map is, as the map has it.
    private static func place(_ name: String, _ page: PageOfLab) async throws -> String? {
      try await page.browser.evaluate("document.querySelector('\(page.thing(name))').getAttribute('transform')").text
    }

    private static func waits(for place: String?, of name: String, _ page: PageOfLab) async throws {
      let query = "document.querySelector('\(page.thing(name))')?.getAttribute('transform')"
      try await page.browser.wait(for: "\(query) === \(JSON.text(place ?? ""))")
    }

    @Test(.timeLimit(.minutes(5))) func placesAreKeptHandedOutAndTaken() async throws {
      try await Self.use { page in
        let browser = page.browser
        let first = try await Self.place("a", page)
        try await browser.drag("\(page.thing("a")) .box", by: (-60, 45))
        let dragged = try await Self.place("a", page)
        #expect(dragged != first && browser.consoleErrors.isEmpty)
        // A drag is no click.
        #expect(try await browser.evaluate("location.hash") == "")
        try await browser.reload()
        try await browser.wait(for: "document.querySelector('#status').dataset.status === 'live'")
        // The browser has kept whole numbers.
        let kept = try await Self.rounded("a", page)
        #expect(try await Self.place("a", page) == "translate(\(kept))" && kept != first)

        let path = try await browser.download {
          try await browser.click("#map-tools [aria-label^='Save the places']")
        }
        let saved = try JSON(parsing: FileManager.default.contents(atPath: path) ?? Data())
        #expect(path.hasSuffix("/ape-controls.places.json") && saved["lab"].text == Self.lab)
        let xy = saved["places"]["a"].items.compactMap(\.number)
        #expect(xy.count == 2 && "\(Int(xy[0])) \(Int(xy[1]))" == kept, "\(saved)")

        try await browser.click("#map-tools [aria-label^='Places as']")
        try await Self.waits(for: first, of: "a", page)
        try await browser.choose(file: path, in: "#map-tools input[type=file]")
        try await Self.waits(for: "translate(\(kept))", of: "a", page)
        try await browser.wait(for: "document.querySelector('#toasts').textContent.includes('5 of 5 places taken')")

        // What is no such file changes nothing.
        for text in ["no json", "{}", #"{"places": {"a": [1, 2], "b": 7}}"#] {
          let wrong = "\(page.sandbox.folder)/wrong.json"
          try text.write(toFile: wrong, atomically: true, encoding: .utf8)
          let complaints = "document.querySelectorAll('#toasts .bad').length"
          let before = try await browser.evaluate(complaints).number ?? -1
          try await browser.choose(file: wrong, in: "#map-tools input[type=file]")
          try await browser.wait(for: "\(complaints) > \(before)")
          #expect(try await Self.place("a", page) == "translate(\(kept))", "\(text)")
        }
        try await browser.reload()
        try await Self.waits(for: "translate(\(kept))", of: "a", page)
      }
    }

    /// `X Y` of a thing's place in whole numbers.
    private static func rounded(_ name: String, _ page: PageOfLab) async throws -> String {
      let numbers = (try await place(name, page) ?? "").split { !"-.0123456789".contains($0) }.compactMap { Double($0) }
      guard numbers.count == 2 else { throw Failure("no place of \(name)") }
      return numbers.map { "\(Int($0.rounded()))" }.joined(separator: " ")
    }

    // MARK: - Menus

    @Test(.timeLimit(.minutes(5))) func theMenuOfANodeDoesWhatItSays() async throws {
      try await Self.use { page in
        let browser = page.browser
        func items() async throws -> String? {
          try await browser.wait(for: "document.querySelector('.menu')")
          return try await browser.evaluate(
            "[...document.querySelectorAll('.menu button')].map(item => item.textContent).join(' ')"
          ).text
        }
        let box = "\(page.thing("a")) .box"
        try await browser.click(box, button: .right)
        #expect(try await items() == "Overview Ports Faults Capture Stop Restart Shell")
        try await page.press("Faults", in: ".menu")
        try await browser.wait(for: "location.hash === '#node=a&tab=faults' && !document.querySelector('.menu')")
        try await browser.click("#drawer .bar button.close")

        try await browser.click(box, button: .right)
        try await page.press("Stop", in: ".menu")
        // What runs in it would end, so it asks.
        try await page.press("Stop", in: "dialog")
        try await page.wait(for: page.thing("a"), toBe: "stopped")
        #expect(try await page.sandbox.nodes(Self.lab).first { $0.node == "a" }?.state == "stopped")
        try await browser.click(box, button: .right)
        #expect(try await items()?.hasPrefix("Overview Ports Faults Capture Start") == true)
        try await page.press("Start", in: ".menu")
        try await page.wait(for: page.thing("a"), toBe: "running")

        // It goes away by Escape, and by a click beside it.
        for leave in [{ try await browser.key("Escape") }, { try await browser.click("#lab-name") }] {
          try await browser.click(box, button: .right)
          #expect(try await items() != nil)
          try await leave()
          try await browser.wait(for: "!document.querySelector('.menu')")
        }
        #expect(try await browser.evaluate("location.hash") == "")
      }
    }

    @Test(.timeLimit(.minutes(5))) func theMenuOfALinkDoesWhatItSays() async throws {
      try await Self.use { page in
        let browser = page.browser
        let line = "\(page.line("core")) .hit"
        func carrier() async throws -> String? {
          let links = try await page.sandbox.apus("link", "list", "-j", "--lab", Self.lab, expecting: 0).output
          return try JSON(parsing: Data(links.utf8)).items.first { $0["name"] == "core" }?["carrier"].text
        }
        try await browser.click(line, button: .right)
        try await page.press("Cut it", in: ".menu")
        try await page.wait(for: page.line("core"), toBe: "down")
        #expect(try await carrier() == "down")
        try await browser.click(line, button: .right)
        try await page.press("Give it carrier", in: ".menu")
        try await browser.wait(for: "!document.querySelector('\(page.line("core"))').classList.contains('down')")
        #expect(try await carrier() == "up")
        try await browser.click(line, button: .right)
        try await page.press("Frames", in: ".menu")
        try await browser.wait(for: "location.hash === '#panel=frames'")
        try await eventually("the frames of both ends are asked for") {
          try await page.sandbox.captures(Self.lab).map { $0.ports.sorted() } == [["sw1:core", "sw2:core"]]
        }
        try await browser.click(line, button: .right)
        try await page.press("Overview", in: ".menu")
        try await browser.wait(for: "document.querySelector('#drawer h2').textContent === 'core'")
      }
    }

    // MARK: - Keys

    /// From the address to a link that is impaired, without a mouse.
    @Test(.timeLimit(.minutes(5))) func keysAloneChangeAnImpairment() async throws {
      try await Self.use { page in
        let browser = page.browser
        let name =
          "(document.activeElement.name || document.activeElement.dataset.name || document.activeElement.dataset.id)"
        /// Presses Tab until something has the focus.
        func tab(to wanted: String) async throws {
          for _ in 0..<60 {
            if try await browser.evaluate(name).text == wanted { return }
            try await browser.key("Tab")
          }
          throw Failure("Tab does not lead to \(wanted)")
        }
        try await tab(to: "sw1")
        try await browser.key("ArrowRight")
        try await browser.wait(for: "\(name) === 'sw2'")
        // To one of the nodes beside it, whichever way the map has put them.
        for key in ["ArrowUp", "ArrowDown"] where try await browser.evaluate(name).text == "sw2" {
          try await browser.key(key)
        }
        let node = try await browser.evaluate(name).text ?? ""
        #expect(["b", "c"].contains(node))
        try await browser.key("Enter")
        try await browser.wait(for: "document.activeElement === document.querySelector('#drawer h2')")
        #expect(try await browser.evaluate("location.hash").text == "#node=\(node)")
        try await tab(to: "overview")
        for _ in 0..<2 { try await browser.key("ArrowRight") }
        try await browser.wait(for: "\(name) === 'faults' && location.hash.endsWith('tab=faults')")
        try await tab(to: "delay")
        try await browser.type("25ms\n")
        try await page.wait(for: page.line("\(node).eth0"), toBe: "impaired")
        let links = try await page.sandbox.apus("link", "list", "--lab", Self.lab, expecting: 0).output
        #expect(links.contains("delay 25ms") || links.contains("delay=25ms"), "\(links)")
        try await browser.key("Escape")
        // A field takes Escape for itself; what is beside it does not.
        try await browser.key("Tab")
        while try await browser.evaluate("document.activeElement.localName").text == "input" {
          try await browser.key("Tab")
        }
        try await browser.key("Escape")
        try await browser.wait(for: "document.querySelector('#drawer').hidden && \(name) === '\(node)'")
      }
    }

    // MARK: - Captures that end

    /// One that somebody else ends, one whose drawer is closed, one whose lab goes: what was captured is saved.
    @Test(.timeLimit(.minutes(5))) func aCaptureThatEndsIsSaved() async throws {
      try await PageOfLab.use(Self.file, lab: Self.lab, expecting: "ERR_") { page in
        let browser = page.browser
        func begin() async throws -> String {
          try await browser.click("\(page.thing("a")) .box")
          try await page.press("Capture", in: "#drawer [role=tablist]")
          try await page.press("Capture", in: "#drawer-body")
          var capture = ""
          try await eventually("the capture has begun") {
            capture = try await page.sandbox.captures(Self.lab).first { $0.id.hasPrefix("page-") }?.id ?? ""
            return !capture.isEmpty
          }
          try await page.sandbox.shell("a", "ping -c 3 -i 0.2 10.8.10.2", lab: Self.lab)
          // The head of a file is there at once, frames are some time later.
          try await browser.wait(
            for: "Number(/([0-9.]+) kB/.exec(document.querySelector('#drawer .frames-bytes').textContent)?.[1]) > 1")
          return capture
        }
        func check(_ path: String) async throws {
          let lines = try await tshark(path, ["ip.dst"], filter: "icmp.type == 8")
          #expect(lines == Array(repeating: ["10.8.10.2"], count: 3), "\(lines)")
        }
        let other = try await begin()
        try await check(
          try await browser.download {
            let (status, text) = try await page.sandbox.api(Self.lab, "/v1/captures/\(other)", method: "DELETE")
            #expect(status < 300, "\(status) \(text)")
          })
        let said = try await page.text("#drawer .frames-bytes")
        #expect(said.contains(" kB saved as ape-controls-a.eth0-") && said.hasSuffix(".pcapng"), "\(said)")
        // It can be begun again, in the same place.
        #expect(try await page.text("#drawer .frames-form").contains("Stop") == false)
        try await browser.click("#drawer .bar button.close")

        _ = try await begin()
        try await check(try await browser.download { try await browser.click("#drawer .bar button.close") })

        _ = try await begin()
        try await check(
          try await browser.download {
            try await page.sandbox.apus("down", Self.lab, expecting: 0)
          })
        try await browser.wait(for: "document.querySelector('#drawer .frames-status').textContent.startsWith('ended')")
        try await browser.wait(for: "document.querySelector('#status').dataset.status === 'lost'")
      }
    }
  }
}
