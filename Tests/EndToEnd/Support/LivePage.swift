import Foundation
import Glibc
import LinuxHost
import TestSupport

/// The live page of a lab in a browser, for the length of one test.
struct PageOfLab {
  let sandbox: Sandbox
  let browser: Chromium
  let lab: String
  /// `http://127.0.0.1:PORT`.
  let origin: String
  /// The address that `up` printed, with the token.
  let address: String

  /// Brings a lab up with its API over TCP, and opens its page as the printed address has it.
  /// - Parameter complaint: what lines of the console may have that are no fault of the page.
  static func use(
    _ text: String, lab: String, expecting complaint: String? = nil, _ body: (PageOfLab) async throws -> Void
  ) async throws {
    try await Sandbox.use { sandbox in
      let file = try sandbox.write(text)
      let origin = "http://127.0.0.1:\(try freePort())"
      let outcome = try await sandbox.apus("up", file, "--http", String(origin.dropFirst(7)), expecting: 0, within: 300)
      let words = (outcome.output + " " + outcome.errors).split(whereSeparator: \.isWhitespace)
      guard let address = words.first(where: { $0.contains("#token=") }) else {
        throw Failure("no address with a token: \(outcome)")
      }
      try await Chromium.use { browser in
        let page = PageOfLab(
          sandbox: sandbox, browser: browser, lab: lab, origin: origin, address: String(address))
        try await browser.open(page.address)
        try await browser.wait(for: "document.querySelector('#status').dataset.status === 'live'")
        try await browser.wait(for: "document.querySelectorAll('.thing').length > 0")
        try await body(page)
        try await page.check(expecting: complaint)
      }
    }
  }

  /// A port of loopback that nobody listens on now.
  static func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(descriptor, pointer, size) == 0 ? getsockname(descriptor, pointer, &size) : -1
      }
    }
    guard status == 0 else { throw Failure("no port of loopback: \(errno)") }
    return UInt16(bigEndian: address.sin_port)
  }

  /// No error was written to the console, and nothing was asked for of anybody else.
  private func check(expecting complaint: String?) async throws {
    let errors = browser.consoleErrors.filter { line in !(complaint.map { line.contains($0) } ?? false) }
    guard errors.isEmpty else { throw Failure("the console has errors: \(errors)") }
    let strangers = browser.requests.filter {
      !$0.hasPrefix(origin) && !$0.hasPrefix("data:") && !$0.hasPrefix("blob:") && !$0.hasPrefix("about:")
        && !$0.hasPrefix("ws://" + origin.dropFirst(7))
    }
    guard strangers.isEmpty else { throw Failure("asked of others: \(strangers)") }
  }

  // MARK: - What a person does

  /// The thing on the map of that name.
  func thing(_ name: String) -> String { "#map .thing[data-name=\"\(name)\"]" }

  /// The link on the map of that name.
  func line(_ name: String) -> String { "#map .line[data-name=\"\(name)\"]" }

  /// A button of the page by its text, marked so that it can be pressed.
  func press(_ text: String, in place: String = "body") async throws {
    let mark = "data-press"
    try await browser.wait(
      for: """
        (() => {
          for (const old of document.querySelectorAll('[\(mark)]')) old.removeAttribute('\(mark)')
          const button = [...document.querySelectorAll(\(JSON.text(place + " button")))]
            .find(button => button.textContent.trim() === \(JSON.text(text)) && button.checkVisibility())
          button?.setAttribute('\(mark)', '')
          return button
        })()
        """)
    try await browser.click("[\(mark)]")
  }

  /// The text of an element.
  func text(_ selector: String) async throws -> String {
    try await browser.evaluate("document.querySelector(\(JSON.text(selector)))?.textContent ?? ''").text ?? ""
  }

  /// Waits until the element of a selector has a class.
  func wait(for selector: String, toBe word: String, seconds: Double = 60) async throws {
    try await browser.wait(
      for: "document.querySelector(\(JSON.text(selector)))?.classList.contains(\(JSON.text(word)))", seconds: seconds)
  }

  /// Seconds of processor time that the lab's daemon has used.
  func daemonSeconds() throws -> Double {
    let daemon = try sandbox.daemon(lab)
    let stat = EndToEnd.text(of: "/proc/\(daemon.pid)/stat") ?? ""
    let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
      throw Failure("no /proc/\(daemon.pid)/stat")
    }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }
}
