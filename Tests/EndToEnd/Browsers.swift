import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// The browser that tests of the live page drive: what it says of a page must be so.
  @Suite struct Browsers {
    private static let page = """
      <!doctype html><title>trial</title>
      <style>
        button, input, textarea { position: absolute; width: 90px }
        #wide { display: none }
        @media (min-width: 700px) { #wide { display: block } }
        #curtain { position: absolute; left: 0; top: 200px; width: 200px; height: 60px; background: gray }
      </style>
      <p id=said>nothing yet</p><p id=wide>wide</p>
      <button id=late hidden onclick="said.textContent = 'pressed ' + event.detail">late</button>
      <input id=field style="top: 150px" onkeydown="if (event.key === 'Enter') said.textContent = 'entered ' + value">
      <button id=under style="top: 210px" onclick="said.textContent = 'reached'">under</button>
      <div id=curtain></div>
      <svg width=100 height=60 style="position: absolute; top: 300px" oncontextmenu="said.textContent = 'menu'">
        <path id=wire d="M0 0 Q 0 50 90 50" stroke=red stroke-width=3 fill=none />
      </svg>
      <a id=file style="position: absolute; top: 400px" download=frames.bin>file</a>
      <script>
        setTimeout(() => late.hidden = false, 300)
        file.href = URL.createObjectURL(new Blob([new Uint8Array(70000).fill(7)]))
        onkeydown = event => document.title = event.key + (event.ctrlKey ? ' with Control' : '')
      </script>
      """

    /// Opens the page from a file, which is its own origin as one from a server is.
    private static func open(_ browser: Chromium, _ more: String = "") async throws {
      let path = "\(browser.folder)/trial.html"
      try (page + more).write(toFile: path, atomically: true, encoding: .utf8)
      try await browser.open("file://\(path)")
    }

    private static func said(_ browser: Chromium) async throws -> String? {
      try await browser.evaluate("said.textContent").text
    }

    @Test(.timeLimit(.minutes(2))) func doesWhatAPersonDoes() async throws {
      try await Chromium.use { browser in
        try await Self.open(browser)
        #expect(try await browser.evaluate("new Promise(keep => keep({ a: [1, 'two', null] }))")["a"][1] == "two")
        // It is there only after a while.
        try await browser.click("#late", count: 2)
        #expect(try await Self.said(browser) == "pressed 2")
        try await browser.click("#field")
        try await browser.type("Grüße, 1 & 2?\n")
        #expect(try await Self.said(browser) == "entered Grüße, 1 & 2?")
        try await browser.key("Control+k")
        #expect(try await browser.evaluate("document.title") == "k with Control")
        // On the curve itself: the middle of its box is beside it.
        try await browser.click("#wire", button: .right)
        #expect(try await Self.said(browser) == "menu")

        async let uncovered: JSON = browser.evaluate("setTimeout(() => curtain.remove(), 300)")
        try await browser.click("#under")
        _ = try await uncovered
        #expect(try await Self.said(browser) == "reached")
        let path = try await browser.download { try await browser.click("#file") }
        #expect(FileManager.default.contents(atPath: path) == Data(repeating: 7, count: 70000))
        #expect(browser.console == [])
      }
    }

    @Test(.timeLimit(.minutes(2))) func showsWhatAPageLooksLike() async throws {
      try await Chromium.use { browser in
        try await Self.open(browser)
        #expect(try await browser.evaluate("wide.offsetHeight > 0").isTrue)
        try await browser.resize(360, 640)
        try await browser.wait(for: "innerWidth === 360 && wide.offsetHeight === 0")
        try await browser.prefer(dark: true)
        #expect(try await browser.evaluate("matchMedia('(prefers-color-scheme: dark)').matches").isTrue)
        let path = "\(browser.folder)/page.png"
        try await browser.screenshot(path)
        let image = try #require(FileManager.default.contents(atPath: path))
        #expect(image.starts(with: [0x89] + Array("PNG\r\n".utf8)))
        // The size stands in the first chunk (RFC 2083, 4.1.1).
        #expect(image[16..<24] == Data([0, 0, 1, 0x68, 0, 0, 2, 0x80]))
        let times = try await browser.times()
        print("the trial page:", times)
        #expect(times.firstPaint > 0 && times.load > 0 && times.count == 1)
        try await browser.reload()
        try await browser.wait(for: "!late.hidden")
      }
    }

    @Test(.timeLimit(.minutes(2))) func tellsWhatWentWrong() async throws {
      try await Chromium.use { browser in
        try await Self.open(
          browser,
          """
          <script>
            console.error('first', 2, { three: 3 })
            console.warn('no error')
            fetch('http://apus.invalid/x').catch(() => null)
            new WebSocket('ws://127.0.0.1:9/socket')
            setTimeout(() => { throw new Error('second') })
          </script>
          """)
        try await browser.wait(for: "document.readyState === 'complete'")
        for text in ["first 2 Object", "second", "apus.invalid", "ws://127.0.0.1:9/socket"] {
          try await eventuallySays(browser, text)
        }
        #expect(!browser.consoleErrors.contains { $0.contains("no error") })
        #expect(browser.requests.dropFirst() == ["http://apus.invalid/x", "ws://127.0.0.1:9/socket"])
        let thrown = await #expect(throws: Failure.self) {
          try await browser.evaluate("(() => { throw Error('x') })()")
        }
        #expect(thrown?.description.contains("Error: x") == true)
        let refused = await #expect(throws: Failure.self) { try await browser.open("http://127.0.0.1:9/") }
        #expect(refused?.description.contains("net::ERR_") == true)
        await #expect(throws: Failure.self) { try await browser.wait(for: "false", seconds: 0.2) }
        let missing = await #expect(throws: Failure.self) { try await browser.click("#none", within: 0.2) }
        #expect(missing?.description.contains("#none is missing") == true)
      }
    }

    private func eventuallySays(_ browser: Chromium, _ text: String) async throws {
      try await eventually("the console says \(text)") { browser.consoleErrors.contains { $0.contains(text) } }
    }

    @Test(.timeLimit(.minutes(2))) func endsWhateverHappens() async throws {
      var process: ProcessIdentity?
      var folder = ""
      let failure = await #expect(throws: Failure.self) {
        try await Chromium.use { browser in
          (process, folder) = (browser.process, browser.folder)
          try await Self.open(browser, "<script>console.log('last words')</script>")
          throw Failure("the test fails")
        }
      }
      // What a person needs to see why is in it.
      #expect(failure?.description.contains("last words") == true)
      #expect(try #require(process).isAlive == false)
      #expect(!FileManager.default.fileExists(atPath: folder))

      // One that was killed, as one that crashed, fails what waits for it rather than hang it.
      await #expect(throws: Failure.self) {
        try await Chromium.use { browser in
          async let answer = browser.evaluate("new Promise(() => {})")
          browser.process.signal(SIGKILL)
          _ = try await answer
        }
      }
    }
  }
}
