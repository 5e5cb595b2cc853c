import Foundation
import Glibc
import LinuxHost
import Synchronization
import TestSupport

/// A headless Chromium with one page, driven as a person would: it opens, looks, clicks and types.
///
/// Debian's package, without its launcher's flags; in its own profile, which goes with it. It never leaves this
/// machine: names are not looked up, and a proxy is not used.
final class Chromium: Sendable {
  /// Its files, removed at the end: the profile, `downloads/`, and `chromium.log`.
  let folder: String
  private let pipe: ChromiumPipe
  private let session: String
  private let record: Record

  /// What the page has done, shared with the reader of events.
  private final class Record: Sendable {
    let value = Mutex(ChromiumRecord())
  }

  private static let program = "/usr/lib/chromium/chromium"

  private static func command(profile: String) -> [String] {
    [
      program, "--headless=new", "--remote-debugging-pipe", "--user-data-dir=\(profile)",
      // Tests run as root, as whom Chromium refuses to start with its sandbox; the only pages it sees are ours.
      "--no-sandbox",
      // Containers have a /dev/shm of 64 MB; files of the profile's folder do as well.
      "--disable-dev-shm-usage",
      // No GPU is here, and to look for one takes time.
      "--disable-gpu",
      "--no-first-run", "--no-default-browser-check", "--disable-extensions", "--disable-sync", "--disable-breakpad",
      "--disable-background-networking", "--disable-component-update", "--no-proxy-server",
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE ::1, EXCLUDE localhost",
      // A page that nobody looks at would be put to sleep.
      "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
      "--disable-backgrounding-occluded-windows", "about:blank",
    ]
  }

  private init() async throws {
    guard FileManager.default.isExecutableFile(atPath: Self.program) else {
      throw Failure("\(Self.program) is missing; tools/setup --tests installs Debian's package chromium")
    }
    var template = Array("/tmp/apc-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Failure("mkdtemp: \(errno)") }
    let folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    self.folder = folder
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let record = Record()
    self.record = record
    pipe = try ChromiumPipe(
      Self.command(profile: "\(folder)/profile"),
      environment: ["HOME": folder, "TMPDIR": folder, "PATH": path, "LANG": "C.UTF-8"],
      log: "\(folder)/chromium.log"
    ) { method, event in record.value.withLock { $0.note(method, event) } }
    do {
      session = try await Self.attach(pipe)
      try await prepare()
    } catch {
      await Self.end(pipe, folder)
      throw error
    }
  }

  /// Runs a test with a browser of its own, which has ended afterwards whatever happens.
  static func use(_ body: (Chromium) async throws -> Void) async throws {
    let browser = try await Chromium()
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(browser))
    } catch {
      result = .failure(Failure("\(error)\n\(await browser.account())"))
    }
    // In a task of its own, as that of a test whose time is over is cancelled.
    await Task { await end(browser.pipe, browser.folder) }.value
    try result.get()
  }

  private static func end(_ pipe: ChromiumPipe, _ folder: String) async {
    await pipe.close()
    // Processes that were killed may write into it for a moment still.
    try? await eventually("\(folder) is removed", within: 10) {
      try? FileManager.default.removeItem(atPath: folder)
      return !FileManager.default.fileExists(atPath: folder)
    }
  }

  private static func attach(_ pipe: ChromiumPipe) async throws -> String {
    // The page that it starts with is there some time after the pipe.
    var page: String?
    try await eventually("Chromium has a page") {
      let targets = try await pipe.ask("Target.getTargets")["targetInfos"].items
      page = targets.first { $0["type"] == "page" }?["targetId"].text
      return page != nil
    }
    let answer = try await pipe.ask("Target.attachToTarget", ["targetId": .text(page ?? ""), "flatten": true])
    guard let session = answer["sessionId"].text else { throw Failure("Target.attachToTarget: \(answer)") }
    return session
  }

  private func prepare() async throws {
    for domain in ["Page", "Runtime", "Network", "Log"] { try await command("\(domain).enable") }
    try await command("Page.setLifecycleEventsEnabled", ["enabled": true])
    let downloads = "\(folder)/downloads"
    try FileManager.default.createDirectory(atPath: downloads, withIntermediateDirectories: true)
    _ = try await pipe.ask(
      "Browser.setDownloadBehavior", ["behavior": "allow", "downloadPath": .text(downloads), "eventsEnabled": true])
    try await resize(1280, 800)
  }

  /// The browser's process; with it all others of it end.
  var process: ProcessIdentity { pipe.process }

  /// Sends any command of the DevTools protocol for the page, for what this type has no words for.
  /// - Returns: its result.
  @discardableResult
  func command(_ method: String, _ parameters: JSON = [:], within seconds: Double = 60) async throws -> JSON {
    try await pipe.ask(method, parameters, session: session, within: seconds)
  }

  // MARK: - The page

  /// Opens a URL and waits until it is loaded.
  /// - Throws: `Failure` with the browser's own word, as `net::ERR_CONNECTION_REFUSED`.
  func open(_ url: String) async throws {
    let answer = try await command("Page.navigate", ["url": .text(url)])
    if let complaint = answer["errorText"].text, !complaint.isEmpty { throw Failure("\(url): \(complaint)") }
    // Only the fragment was another one: nothing is loaded.
    guard let loader = answer["loaderId"].text else { return }
    try await eventually("\(url) is loaded") { look { $0.loaded.contains(loader) } }
  }

  /// Loads the page once more.
  func reload() async throws {
    let before = look { $0.loaded.count }
    try await command("Page.reload")
    try await eventually("the page is loaded again") { look { $0.loaded.count } > before }
  }

  /// The value of an expression of JavaScript, that of a promise when it is kept; null stands for undefined.
  /// - Throws: `Failure` with what was thrown.
  @discardableResult
  func evaluate(_ expression: String, within seconds: Double = 60) async throws -> JSON {
    let parameters: JSON = [
      "expression": .text(expression), "awaitPromise": true, "returnByValue": true, "userGesture": true,
    ]
    let answer = try await command("Runtime.evaluate", parameters, within: seconds)
    guard answer["exceptionDetails"] == .null else {
      throw Failure("\(expression): \(ChromiumRecord.complaint(answer["exceptionDetails"]))")
    }
    return answer["result"]["value"]
  }

  /// Waits until an expression of JavaScript holds (is truthy); one that throws does not hold yet.
  func wait(for condition: String, seconds: Double = 60) async throws {
    var last = ""
    do {
      try await eventually(condition, within: seconds) {
        do {
          return try await evaluate("Promise.resolve(\(condition)).then(Boolean)").isTrue
        } catch let error as Failure {
          last = " (last: \(error))"
          // The page may be on its way to another; a browser that is gone comes to nothing.
          guard process.isAlive else { throw error }
          return false
        }
      }
    } catch let error as NotInTime {
      throw Failure("\(error)\(last)")
    }
  }

  /// Gives the page a size in CSS pixels.
  func resize(_ width: Int, _ height: Int) async throws {
    try await command(
      "Emulation.setDeviceMetricsOverride",
      ["width": .number(Double(width)), "height": .number(Double(height)), "deviceScaleFactor": 1, "mobile": false])
  }

  /// Has the page believe that its user likes dark colours, or light ones.
  func prefer(dark: Bool) async throws {
    let feature: JSON = ["name": "prefers-color-scheme", "value": dark ? "dark" : "light"]
    try await command("Emulation.setEmulatedMedia", ["features": [feature]])
  }

  /// Writes what is seen of the page as a PNG image.
  func screenshot(_ path: String) async throws {
    let answer = try await command("Page.captureScreenshot", ["format": "png"])
    guard let data = answer["data"].text.flatMap({ Data(base64Encoded: $0) }) else { throw Failure("no image") }
    try data.write(to: URL(filePath: path))
  }

  // MARK: - What it has done

  /// Lines of the console so far, exceptions that nobody caught and the browser's own complaints included.
  var console: [ChromiumRecord.Message] { look { $0.messages } }

  /// The lines of `console` that are errors: a page that is well has none.
  var consoleErrors: [String] { console.filter { $0.level == "error" }.map(\.text) }

  /// URLs asked for so far, in their order.
  var requests: [String] { look { $0.requests } }

  /// Does something that makes the page hand out a file, and waits for the whole of it.
  /// - Returns: its path, valid until the browser ends.
  func download(within seconds: Double = 60, _ action: () async throws -> Void) async throws -> String {
    let before = look { $0.downloads.count }
    try await action()
    var path = ""
    try await eventually("a file is handed out", within: seconds) {
      guard let download = look({ $0.downloads.dropFirst(before).first }) else { return false }
      if download.state == "canceled" { throw Failure("the download of \(download.name) was given up") }
      path = "\(folder)/downloads/\(download.name)"
      return download.state == "completed"
    }
    return path
  }

  private func look<Value>(_ body: (ChromiumRecord) -> Value) -> Value { record.value.withLock { body($0) } }

  /// What a person would look at when a test has failed.
  private func account() async -> String {
    let seen = try? await evaluate(
      "location.href + '\\n' + (document.body ? document.body.innerText : '').slice(0, 2000)", within: 5)
    let lines = console.suffix(25).map(\.description).joined(separator: "\n")
    return "--- page\n\(seen?.text ?? "no answer")\n--- console\n\(lines)"
  }
}
