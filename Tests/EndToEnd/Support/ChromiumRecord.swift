/// What a page has done since the browser started, taken from the events of the DevTools protocol.
struct ChromiumRecord: Sendable {
  /// A line of the console.
  struct Message: Sendable, Equatable, CustomStringConvertible {
    /// The protocol's words: `log`, `info`, `warning`, `error` and others.
    var level: String
    var text: String
    var description: String { "\(level): \(text)" }
  }

  /// A file that the page has handed out.
  struct Download: Sendable {
    var identifier: String
    var name: String
    /// `inProgress`, `completed` or `canceled`.
    var state = "inProgress"
  }

  private(set) var messages: [Message] = []
  /// URLs asked for, those of the page's own kind (`data:`, `blob:`) too.
  private(set) var requests: [String] = []
  /// Documents that were loaded, by the protocol's name for the loading.
  private(set) var loaded: Set<String> = []
  private(set) var downloads: [Download] = []

  mutating func note(_ method: String, _ event: JSON) {
    switch method {
    case "Runtime.consoleAPICalled":
      let level = event["type"].text ?? "log"
      messages.append(Message(level: level == "assert" ? "error" : level, text: Self.words(event["args"].items)))
    case "Runtime.exceptionThrown":
      messages.append(Message(level: "error", text: Self.complaint(event["exceptionDetails"])))
    case "Log.entryAdded":
      let entry = event["entry"]
      let place = entry["url"].text.map { " (\($0))" } ?? ""
      messages.append(Message(level: entry["level"].text ?? "log", text: (entry["text"].text ?? "") + place))
    case "Network.requestWillBeSent":
      if let url = event["request"]["url"].text { requests.append(url) }
    case "Network.webSocketCreated":
      if let url = event["url"].text { requests.append(url) }
    case "Page.lifecycleEvent":
      if event["name"] == "load", let loader = event["loaderId"].text { loaded.insert(loader) }
    case "Page.javascriptDialogOpening":
      // It stands still until the test says Page.handleJavaScriptDialog.
      messages.append(Message(level: "error", text: "the page waits in a dialog: \(event["message"].text ?? "")"))
    case "Browser.downloadWillBegin":
      let name = event["suggestedFilename"].text ?? ""
      downloads.append(Download(identifier: event["guid"].text ?? "", name: name))
    case "Browser.downloadProgress":
      if let index = downloads.firstIndex(where: { $0.identifier == event["guid"].text }) {
        downloads[index].state = event["state"].text ?? ""
      }
    default: break
    }
  }

  /// What an exception says, with the place where it was thrown.
  static func complaint(_ details: JSON) -> String {
    let exception = details["exception"]
    let text = exception["description"].text ?? exception["value"].text ?? details["text"].text ?? "exception"
    let line = Int(details["lineNumber"].number ?? 0) + 1
    return "\(text) (\(details["url"].text ?? "evaluated"):\(line))"
  }

  private static func words(_ values: [JSON]) -> String {
    values.map { value in
      if let text = value["value"].text ?? value["description"].text { return text }
      return value["value"] == .null ? value["type"].text ?? "" : value["value"].description
    }.joined(separator: " ")
  }
}
