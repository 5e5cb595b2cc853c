import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// The live page in a real browser: what a person sees and does there.
  @Suite struct LivePages {
    private static let lab = "ape-page"

    /// Namespaces of two VLANs on two switches, and a wire.
    private static let file = """
      version: 1
      name: ape-page
      vlans:
        red: { id: 10, subnet: 10.8.10.0/24 }
        blue: { id: 20, subnet: 10.8.20.0/24 }
      switches: { sw1: {}, sw2: {} }
      nodes:
        red1: { kind: netns, nics: { eth0: { switch: sw1, vlan: red } } }
        red2: { kind: netns, nics: { eth0: { switch: sw2, vlan: red } } }
        blue1: { kind: netns, nics: { eth0: { switch: sw1, vlan: blue }, eth1: { address: 10.8.9.1/24 } } }
        blue2: { kind: netns, nics: { eth0: { switch: sw2, vlan: blue }, eth1: { address: 10.8.9.2/24 } } }
      links:
        - { name: core, ends: [sw1, sw2], trunk: [red, blue] }
        - { name: cross, ends: ["blue1:eth1", "blue2:eth1"] }
      tests:
        - { ping: red1 -> red2, within: 5s }

      """

    /// The same with a machine, which takes a processor for a while as it boots.
    private static let fileWithMachine = file.replacing(
      "links:", with: "  vm1: { kind: vm, image: builtin, nics: { eth0: { switch: sw2, vlan: red } } }\nlinks:")

    private static func use(machine: Bool = false, _ body: (PageOfLab) async throws -> Void) async throws {
      try await PageOfLab.use(machine ? fileWithMachine : file, lab: lab, body)
    }

    @Test(.timeLimit(.minutes(5))) func showsALabAndFollowsIt() async throws {
      try await Self.use(machine: true) { page in
        let browser = page.browser
        try await browser.wait(for: "document.querySelectorAll('.thing').length === 7")
        #expect(try await browser.evaluate("document.querySelectorAll('#map .line').length") == 7)
        let times = try await browser.times()
        print("the live page: \(times)")
        #expect(times.size <= 250_000)
        // The token is nowhere that a script, a neighbour or the history would find it.
        #expect(try await browser.evaluate("location.hash") == "")
        #expect(try await browser.evaluate("document.cookie") == "")
        #expect(try await browser.evaluate("JSON.stringify(localStorage).includes('token')") == false)
        for name in ["red1", "vm1"] { try await page.wait(for: page.thing(name), toBe: "running") }
        let word = try await page.text("\(page.thing("vm1")) .state")
        #expect(word.contains("vm") && word.contains("running"), "\(word)")

        // Somebody else changes something.
        try await page.sandbox.apus("link", "set", "red1.eth0", "down", "--lab", Self.lab, expecting: 0)
        let clock = ContinuousClock()
        let seen = try await clock.measure { try await page.wait(for: page.line("red1.eth0"), toBe: "down") }
        print("the live page: carrier that was cut elsewhere is seen \(seen) after `apus link set` ended")
        try await page.sandbox.apus("link", "set", "red1.eth0", "up", "delay=3ms", "--lab", Self.lab, expecting: 0)
        try await page.wait(for: page.line("red1.eth0"), toBe: "impaired")
        try await page.sandbox.apus("stop", "blue1", "--lab", Self.lab, expecting: 0)
        try await page.wait(for: page.thing("blue1"), toBe: "stopped")
        #expect(try await page.text("\(page.thing("blue1")) .state").contains("■ stopped"))
        try await page.sandbox.apus("start", "blue1", "--lab", Self.lab, expecting: 0)
        try await page.wait(for: page.thing("blue1"), toBe: "running")

        // Traffic has rates, and the lab that is changed has another map.
        let pinger = try page.sandbox.start(
          [page.sandbox.binary, "exec", "--lab", Self.lab, "red1", "--", "ping", "-i", "0.1", "10.8.10.2"],
          log: "ping.log")
        try await page.wait(for: page.line("core"), toBe: "busy")
        pinger.signal(SIGKILL)
        let more = "  red9: { kind: netns, nics: { eth0: { switch: sw1, vlan: red } } }\nlinks:"
        let wider = try page.sandbox.write(Self.fileWithMachine.replacing("links:", with: more))
        try await page.sandbox.apus("up", wider, expecting: 0)
        try await browser.wait(for: "document.querySelectorAll('.thing').length === 8")
      }
    }

    @Test(.timeLimit(.minutes(5))) func cutsALinkAndTheTestOfTheLabFails() async throws {
      try await Self.use { page in
        try await page.sandbox.apus("test", Self.lab, expecting: 0)
        try await page.browser.click("\(page.line("core")) .hit")
        try await page.browser.wait(for: "location.hash === '#link=core'")
        try await page.press("Faults", in: "#drawer [role=tablist]")
        try await page.press("Cut it", in: "#drawer")
        try await page.wait(for: page.line("core"), toBe: "down")
        let failed = try await page.sandbox.apus("test", Self.lab)
        #expect(failed.status != 0, "\(failed)")
        try await page.press("Give it carrier", in: "#drawer")
        try await page.browser.wait(for: "!document.querySelector('\(page.line("core"))').classList.contains('down')")
        try await page.sandbox.apus("test", Self.lab, expecting: 0)

        // What is typed is checked by the daemon, and stands where it was typed.
        try await page.browser.click("#drawer input[name=delay]")
        try await page.browser.type("40ms")
        try await page.press("Set", in: "#drawer")
        try await page.wait(for: page.line("core"), toBe: "impaired")
        #expect(try await page.text("#drawer .card .state-line").contains("delay 40ms"))
        try await page.press("As in the lab file", in: "#drawer .faults")
        try await page.browser.wait(
          for: "!document.querySelector('\(page.line("core"))').classList.contains('impaired')")
      }
    }

    @Test(.timeLimit(.minutes(5))) func downloadsACaptureThatTsharkReads() async throws {
      try await Self.use { page in
        try await page.browser.click("\(page.thing("red1")) .box")
        try await page.press("Capture", in: "#drawer [role=tablist]")
        try await page.press("Capture", in: "#drawer-body")
        try await eventually("the daemon has the frames and the capture") {
          try await page.sandbox.captures(Self.lab).count == 2
        }
        try await page.sandbox.shell("red1", "ping -c 5 -i 0.2 10.8.10.2", lab: Self.lab)
        try await page.browser.wait(for: "document.querySelector('#drawer .frames tbody').textContent.includes('ICMP')")
        let path = try await page.browser.download { try await page.press("Stop and save", in: "#drawer-body") }
        let lines = try await tshark(path, ["ip.src", "ip.dst"], filter: "icmp.type == 8")
        #expect(lines.count == 5 && lines.allSatisfy { $0 == ["10.8.10.1", "10.8.10.2"] }, "\(lines)")
      }
    }

    @Test(.timeLimit(.minutes(3))) func asksForTheTokenOfWhoHasNone() async throws {
      let file = """
        version: 1
        name: ape-page
        switches: { sw1: {} }
        nodes: { a: { kind: netns, nics: { eth0: { switch: sw1, address: 10.8.1.1/24 } } } }

        """
      try await PageOfLab.use(file, lab: Self.lab, expecting: "401") { page in
        let browser = page.browser
        try await browser.evaluate("fetch('/v1/session', { method: 'DELETE' })")
        try await browser.open("\(page.origin)/#node=a")
        try await browser.wait(for: "location.hash === '#node=a'")
        try await browser.reload()
        try await browser.wait(for: "document.querySelector('dialog[open] input')")
        try await browser.type("wrong-wrong-wrong-wrong\n")
        try await browser.wait(for: "document.querySelector('dialog .fault').textContent.includes('token')")
        let token = page.address.split(separator: "=").last.map(String.init) ?? ""
        try await browser.evaluate("document.querySelector('dialog input').value = ''")
        try await browser.type("\(token)\n")
        try await browser.wait(for: "document.querySelector('#status').dataset.status === 'live'")
        // What was asked for is open.
        try await browser.wait(for: "document.querySelector('#drawer h2').textContent === 'a'")
      }
    }

    @Test(.timeLimit(.minutes(5))) func typesCommandsInAConsoleAndAShell() async throws {
      try await Self.use(machine: true) { page in
        let browser = page.browser
        for (node, way) in [("red1", "Shell"), ("vm1", "Console")] {
          try await browser.click("\(page.thing(node)) .box")
          try await page.press(way, in: "#drawer-body")
          let tab = "#panel .page[aria-label='\(node) \(way.lowercased())']"
          try await browser.wait(
            for: "document.querySelector(\"\(tab) [role=status]\")?.textContent.includes('connected')")
          // What is drawn on a canvas is read by who cannot see it, and by this test.
          try await page.press("Screen reader", in: tab)
          try await browser.click("\(tab) .console-screen")
          // A console has nothing new to say until somebody types.
          try await browser.type("\necho ape-$((40 + 2))-\(node)\n")
          let text = "document.querySelector(\"\(tab) .xterm-accessibility\")?.textContent"
          try await browser.wait(for: "\(text)?.includes('ape-42-\(node)')")
        }
        // Both go on, and the keys of one are not those of the page.
        #expect(try await browser.evaluate("location.hash").text?.contains("panel=console:vm1") == true)
        try await browser.key("Control+Shift+Escape")
        try await browser.wait(for: "!document.activeElement.closest('.console-screen')")
      }
    }

    @Test(.timeLimit(.minutes(5))) func isUsableAt360Pixels() async throws {
      try await Self.use { page in
        let browser = page.browser
        try await browser.resize(360, 740)
        let fits = "document.documentElement.scrollWidth <= 360 && document.body.scrollWidth <= 360"
        try await browser.wait(for: fits)
        try await browser.click("#map-tools [aria-label='Everything (0)']")
        try await browser.click("\(page.thing("red1")) .box")
        // Nothing that can be pressed or typed into is cut off, and nothing needs to be moved sideways.
        func isWhole(_ place: String) -> String {
          """
          [...document.querySelectorAll('\(place) :is(button, input, select)')].every(control => {
            if (!control.checkVisibility() || control.closest('table')) return true
            const box = control.getBoundingClientRect()
            return box.left >= 0 && box.right <= 360
          })
          """
        }
        for tab in ["Overview", "Ports", "Capture", "Console", "Faults"] {
          try await page.press(tab, in: "#drawer [role=tablist]")
          try await browser.wait(for: fits)
          try await browser.wait(for: isWhole("#drawer"))
        }
        // It is of use, not only there.
        try await browser.click("#drawer input[name=loss]")
        try await browser.type("2%")
        try await page.press("Set", in: "#drawer")
        try await page.wait(for: page.line("red1.eth0"), toBe: "impaired")
        #expect(try await page.text("#drawer .card .state-line").contains("loss 2%"))
        try await browser.click("#drawer .bar button.close")
        for tab in ["Ports", "Stations", "VLANs", "Frames", "Events"] {
          try await page.press(tab, in: "#panel .tabs")
          try await browser.wait(for: fits)
          try await browser.wait(for: isWhole("#panel"))
          // Half of the window, and some of the map is left.
          try await browser.wait(for: "document.querySelector('#panel-body').clientHeight > 300")
          try await browser.wait(for: "document.querySelector('#map').clientHeight > 150")
        }
        try await page.press("Ports", in: "#panel .tabs")
        try await browser.click("#panel .page:not([hidden]) input")
        try await browser.type("blue1.eth1")
        try await browser.wait(
          for: "document.querySelectorAll('#panel .page:not([hidden]) tbody tr').length === 1")
        try await browser.click("#fold")
        try await browser.click("#search")
        try await browser.type("red2\n")
        try await browser.wait(for: "location.hash.startsWith('#node=red2')")
      }
    }

    @Test(.timeLimit(.minutes(5))) func isReachableByKeyboard() async throws {
      try await Self.use { page in
        let browser = page.browser
        let focused = "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent)"
        try await browser.key("g")
        try await browser.wait(for: "\(focused).startsWith('sw1, switch')")
        try await browser.key("ArrowRight")
        try await browser.wait(for: "\(focused).startsWith('sw2, switch')")
        try await browser.key("l")
        try await browser.wait(for: "\(focused).startsWith('Link ')")
        try await browser.key("Shift+F10")
        try await browser.wait(for: "document.activeElement.getAttribute('role') === 'menuitem'")
        try await browser.key("Escape")
        try await browser.wait(for: "\(focused).startsWith('Link ')")
        try await browser.key("Enter")
        try await browser.wait(for: "location.hash.startsWith('#link=')")
        try await browser.key("Escape")
        try await browser.wait(for: "document.querySelector('#drawer').hidden && \(focused).startsWith('Link ')")
        try await browser.key("/")
        try await browser.type("blue2\n")
        try await browser.wait(for: "location.hash === '#node=blue2'")
        try await browser.evaluate("history.back()")
        try await browser.wait(for: "document.querySelector('#drawer').hidden")
        try await browser.evaluate("history.forward()")
        try await browser.wait(for: "document.querySelector('#drawer h2').textContent === 'blue2'")
        try await browser.key("?")
        try await browser.wait(for: "document.querySelector('dialog[open] .keys')")
        try await browser.key("Escape")
        try await browser.wait(for: "!document.querySelector('dialog')")
        // Every control of the page can be come to by Tab, and says what it is.
        var seen: Set<String> = []
        for _ in 0..<60 {
          try await browser.key("Tab")
          let name = try await browser.evaluate(
            "\(focused) || document.activeElement.title || document.activeElement.placeholder || ''"
          ).text
          #expect(name?.isEmpty == false)
          seen.insert(name ?? "")
        }
        for word in ["Ports", "Keys (?)", "Everything (0)", "Stop"] { #expect(seen.contains(word), "\(seen.sorted())") }
      }
    }

    private static let largeLab = """
      version: 1
      name: ape-page
      vlans: { lan: { id: 5, subnet: 10.9.0.0/16 } }
      switches: { sw1: {}, sw2: {}, sw3: {}, sw4: {} }
      nodes:
        a[1-50]: { kind: netns, nics: { eth0: { switch: sw1, vlan: lan } } }
        b[1-50]: { kind: netns, nics: { eth0: { switch: sw2, vlan: lan } } }
        c[1-50]: { kind: netns, nics: { eth0: { switch: sw3, vlan: lan } } }
        d[1-50]: { kind: netns, nics: { eth0: { switch: sw4, vlan: lan } } }
      links:
        - { name: t1, ends: [sw1, sw2], trunk: [lan] }
        - { name: t2, ends: [sw2, sw3], trunk: [lan] }
        - { name: t3, ends: [sw3, sw4], trunk: [lan] }

      """

    @Test(.timeLimit(.minutes(8))) func isGoodAt200Nodes() async throws {
      try await PageOfLab.use(Self.largeLab, lab: Self.lab) { page in
        try await page.browser.wait(for: "document.querySelectorAll('.thing').length === 204")
        // A broadcast a fifth of a second: every port has a rate that is another one each second.
        let addresses = try await page.sandbox.nodes(Self.lab).first { $0.node == "a1" }?.addresses ?? []
        #expect(addresses.count == 1)
        let pinger = try page.sandbox.start(
          [page.sandbox.binary, "exec", "--lab", Self.lab, "a1", "--", "ping", "-b", "-i", "0.2", "10.9.255.255"],
          log: "ping.log")
        defer { pinger.signal(SIGKILL) }
        try await page.wait(for: page.line("d50.eth0"), toBe: "busy")
        // Not waits for something: the lengths of the measurements.
        let length = 2.5
        let before = try page.daemonSeconds()
        async let frames = page.browser.evaluate(
          "new Promise(done => { let n = 0; const end = performance.now() + 2000; const step = () => { n += 1; "
            + "performance.now() < end ? requestAnimationFrame(step) : done(n / 2) }; step() })")
        try await Task.sleep(for: .seconds(length))
        let looking = (try page.daemonSeconds() - before) * 100 / length
        let pictures = try await frames.number ?? 0
        try await page.browser.open("about:blank")
        try await Task.sleep(for: .seconds(1))
        let rest = try page.daemonSeconds()
        try await Task.sleep(for: .seconds(length))
        let alone = (try page.daemonSeconds() - rest) * 100 / length
        print(
          "the live page: 200 nodes with rates cost the daemon \(looking) % of a core while they are looked at, "
            + "\(alone) % when they are not; the page draws \(pictures) pictures a second")
        // Generous: what fails is another order of work, not a busy host.
        #expect(looking <= 60, "\(looking) % of a core; \(alone) % without the page")
      }
    }
  }
}
