import ArgumentParser
import Capture
import Control
import Foundation
import Glibc
import Lab

/// What Wireshark and tshark ask of a program in their folder of external captures (doc/extcap.adoc of Wireshark).
struct ExtcapCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "extcap", abstract: "Speak Wireshark's extcap protocol: running labs are its interfaces.",
    discussion: "`tools/setup --extcap` puts it where Wireshark looks."
  )
  .withExamples("extcap")

  /// Every interface begins so, then the lab, then a port or `all`.
  private static let prefix = "apus."

  @Flag(name: .long) var extcapInterfaces = false
  @Flag(name: .long) var extcapDlts = false
  @Flag(name: .long) var extcapConfig = false
  @Flag(name: .long) var capture = false
  @Option(name: .long) var extcapVersion: String?
  @Option(name: .long) var extcapInterface: String?
  @Option(name: .long) var extcapCaptureFilter: String?
  @Option(name: .long) var extcapReloadOption: String?
  @Option(name: .long) var fifo: String?
  @Option(name: .long, help: "Ports of the lab, with commas; all without it.") var ports: String?
  @Option(name: .long, help: "include, only, or none.") var drops: String?
  @Option(name: .long, help: "Bytes of each frame.") var snaplen: Int?

  func run() async throws {
    if extcapInterfaces { return await interfaces() }
    if capture { return try await takeCapture() }
    let name = try interfaceName()
    if extcapDlts { return Output.data("dlt {number=1}{name=EN10MB}{display=Ethernet}\n") }
    let (session, target) = try Self.resolve(name)
    if extcapConfig { return try await options(session, target) }
    // What is left is the check of a filter: nothing is said when it is well.
    guard let filter = extcapCaptureFilter else { return }
    do {
      _ = try Filter(filter)
    } catch {
      Output.data("\(error)\n")
    }
  }

  private func interfaceName() throws -> String {
    guard let extcapInterface else {
      throw UserError(.badInput, "--extcap-interface is missing", hint: "Wireshark calls this; see its extcap folder")
    }
    return extcapInterface
  }

  private static func resolve(_ name: String) throws -> (session: LabSession, target: String) {
    let parts = name.split(separator: ".", maxSplits: 2).map { String($0) }
    guard parts.count == 3, "\(parts[0])." == prefix else {
      throw UserError(.badInput, "\"\(name)\" is no interface of apus")
    }
    return (try LabSession(asked: parts[1]), parts[2])
  }

  /// Every port of every running lab, and each lab as a whole.
  private func interfaces() async {
    Output.data("extcap {version=\(Product.version)}{help=https://www.wireshark.org/docs/man-pages/extcap.html}\n")
    let directories = LabDirectories.resolve(environment: Variables.all)
    for lab in directories.runningLabs() {
      // A lab whose daemon has died has nothing to capture, and one that does not answer must not stop Wireshark.
      let client = LabSession(lab, directories).client
      guard let rows = try? await client.ask(API.ports, within: 2) else { continue }
      var text = "interface {value=\(Self.prefix)\(lab).all}{display=Apus lab \(lab), whole}\n"
      for row in rows {
        text += "interface {value=\(Self.prefix)\(lab).\(row.name)}{display=Apus \(lab): \(row.name)}\n"
      }
      Output.data(text)
    }
  }

  private func options(_ session: LabSession, _ target: String) async throws {
    var text = ""
    if target == "all" {
      let rows = try await session.client.ask(API.ports)
      text += "arg {number=0}{call=--ports}{display=Ports}{type=multicheck}{tooltip=None is all of them}\n"
      for row in rows { text += "value {arg=0}{value=\(row.name)}{display=\(row.name)}{default=false}\n" }
    }
    text += "arg {number=1}{call=--drops}{display=Dropped frames}{type=selector}{tooltip=With the reason of each}\n"
    for (value, words) in [("none", "not shown"), ("include", "shown too"), ("only", "nothing else")] {
      text += "value {arg=1}{value=\(value)}{display=\(words)}{default=\(value == "none")}\n"
    }
    text +=
      "arg {number=2}{call=--snaplen}{display=Bytes of each frame}{type=integer}{range=64,262144}{default=262144}\n"
    Output.data(text)
  }

  private func takeCapture() async throws {
    guard let fifo else { throw UserError(.badInput, "--fifo is missing") }
    // Before anything can fail: who waits at the other end for a writer is told of no failure, and waits for ever.
    let pipe = try await ExtcapPipe.open(fifo)
    defer { pipe.close() }
    let (session, target) = try Self.resolve(try interfaceName())
    let chosen = (ports ?? "").split(separator: ",").map { String($0) }
    var request = CaptureRequest(target == "all" && !chosen.isEmpty ? chosen : [target])
    request.filter = extcapCaptureFilter.flatMap { $0.isEmpty ? nil : $0 }
    request.snap = snaplen
    request.drops = drops == "none" ? nil : try CaptureRequest.word(drops, "--drops")
    let output = CaptureFileOutput(fifo) { pipe }
    do {
      _ = try await CaptureClient(session.client, request).run(into: output)
    } catch let error as UserError where error.message.contains("reader has gone") {
      // Wireshark's way to end a capture.
    }
  }
}
