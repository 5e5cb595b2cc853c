import ArgumentParser
import Capture
import Control
import FoundationEssentials
import Glibc
import Lab
import Topology

struct CaptureCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "capture", abstract: "Capture ports, links, nodes, switches or all of a lab, live or after the fact.",
    usage: """
      apus capture TARGET ... [-w FILE|-] [-f FILTER] [-s SNAPLEN] [-c COUNT] [--duration D]
      apus capture TARGET ... --last D [-w FILE|-]
      apus capture --from-file FILE --inject PORT [--speed X]
      """,
    discussion: """
      Without -w a line for each frame is printed; -w - writes pcapng to standard output: | wireshark -k -i -
      For links alone each frame is taken once, at the end that sends it, unless --direction says more.
      """)

  @OptionGroup var selection: LabOptions
  @Argument(help: "Ports, links, nodes, switches, or all.") var targets: [String] = []
  @Option(name: .shortAndLong, help: "Write pcapng to this file; - is standard output. (APUS_WRITE)") var write: String?
  @Option(name: .shortAndLong, help: "Only these frames, as tcpdump has it. (APUS_FILTER)") var filter: String?
  @Option(name: .shortAndLong, help: "Bytes of each frame that are kept. (APUS_SNAPLEN)") var snaplen: Int?
  @Option(name: .shortAndLong, help: "End after this many frames. (APUS_COUNT)") var count: Int?
  @Option(name: .long, help: "End after this time. (APUS_DURATION)") var duration: String?
  @Option(name: .long, help: "in = from the node into the switch, out, or both. (APUS_DIRECTION)") var direction:
    String?
  @Option(name: .long, help: "Files in turn: 4x10M is four of 10 MiB. (APUS_RING)") var ring: String?
  @Option(name: .long, help: "Write what was recorded in this time, and end. (APUS_LAST)") var last: String?
  @Option(name: .long, help: "include = dropped frames too, with their reason; only = nothing else. (APUS_DROPS)")
  var drops: String?
  @Flag(name: .long, help: "Leave checksums that a device would complete as they are. (APUS_RAW)")
  var raw = Variables.isSet("RAW")
  @Flag(name: .long, help: "Cut frames that a device would cut into segments. (APUS_SEGMENT)")
  var segment = Variables.isSet("SEGMENT")
  @Option(name: .long, help: "A capture file whose frames are sent into a port. (APUS_FROM_FILE)") var fromFile: String?
  @Option(name: .long, help: "The port, as if its node had sent them. (APUS_INJECT)") var inject: String?
  @Option(name: .long, help: "How many times faster; 0 = as fast as it goes. (APUS_SPEED)") var speed: Double?

  func run() async throws {
    if let file = fromFile ?? Variables.value("FROM_FILE") { return try await replay(file) }
    for (name, isThere) in [("--inject", inject != nil), ("--speed", speed != nil)] where isThere {
      throw UserError(.badInput, "\(name) needs --from-file")
    }
    guard !targets.isEmpty, targets.allSatisfy({ $0.contains { $0 != "," } }) else {
      throw UserError(.badInput, "what is to be captured?", hint: "name ports, links, nodes, switches, or all")
    }
    let request = try request()
    // Before the daemon is asked, so that a mistake is told even where no lab is up.
    if let filter = request.filter { try Self.check(filter) }
    let path = write ?? Variables.value("WRITE")
    let files = try ringFiles(path)
    let session = try selection.session()
    if let last = last ?? Variables.value("LAST") {
      return try await recorded(try Self.seconds(last, "--last"), request, session, path, files)
    }
    try await live(request, session, path, files)
  }

  // MARK: - Live

  private func live(_ request: CaptureRequest, _ session: LabSession, _ path: String?, _ files: RingFiles?) async throws
  {
    let output = Self.output(path, files)
    let showsCounts = path != nil && path != "-" && isatty(STDERR_FILENO) == 1
    let capture = CaptureClient(session.client, request)
    let begin = ContinuousClock.now
    let wasEnded = try await capture.run(into: output) { tally in
      if showsCounts { Output.bytes(Array("\r\(Self.words(tally))".utf8), toError: true) }
    }
    if showsCounts { Output.words("") }
    let isTimeOver = request.duration.map { ContinuousClock.now - begin >= .seconds(min($0, 1e9)) } ?? false
    let isOver =
      wasEnded || isTimeOver || request.count.map { output.tally.packets >= UInt64($0) } ?? false
    if !isOver { Output.words("capture: what was captured is gone: its ports were removed, or the lab is down") }
    Output.words(Self.words(output.tally))
  }

  private static func words(_ tally: PcapngTally) -> String {
    "\(frames(tally.packets)) captured, \(tally.dropped) dropped by the capture"
  }

  private static func frames(_ count: some BinaryInteger) -> String { count == 1 ? "1 frame" : "\(count) frames" }

  private static func output(_ path: String?, _ files: RingFiles?) -> any CaptureOutput {
    switch path {
    case nil: CaptureLines()
    case "-": CapturePipeOutput()
    case let path?: CaptureFileOutput(path, ring: files)
    }
  }

  // MARK: - After the fact

  private func recorded(
    _ last: Double, _ request: CaptureRequest, _ session: LabSession, _ path: String?, _ files: RingFiles?
  ) async throws {
    let output = Self.output(path, files)
    defer { output.close() }
    let query = request.query.merging(["last": "\(last)"]) { $1 }
    try await session.client.download(ControlPath.recording, query: query) { try output.take($0) { false } }
    let (frames, were) = (Self.frames(output.tally.packets), output.tally.packets == 1 ? "was" : "were")
    Output.words("\(frames) \(were) recorded in the last \(last) s; their first 64 bytes are kept")
  }

  private func replay(_ file: String) async throws {
    guard let port = inject ?? Variables.value("INJECT") else {
      throw UserError(.badInput, "--from-file needs --inject PORT, the port to send into")
    }
    guard targets.isEmpty else {
      throw UserError(.badInput, "--from-file sends; it captures nothing: leave out targets")
    }
    let speed = try speed ?? Self.number(Variables.value("SPEED"), "--speed") ?? 1
    guard speed >= 0, speed.isFinite else { throw UserError(.badInput, "--speed must be 0 or more, found \(speed)") }
    let path = file.hasPrefix("/") ? file : "\(FileManager.default.currentDirectoryPath)/\(file)"
    let request = ReplayRequest(file: path, port: port, speed: speed)
    try await selection.session().client.stream(.post, ControlPath.replay, body: request, as: ReplayLine.self) { line in
      switch line {
      case .done(let row):
        let left =
          row.incomplete > 0
          ? ", \(row.incomplete) left out as the file has them in part only, or they are too long" : ""
        Output.words("\(Self.frames(row.sent)) sent into \(port.replacingFirst(":", with: "."))\(left)")
      case .failed(let error): throw error.userError
      }
    }
  }

  // MARK: - What was asked for

  private func request() throws -> CaptureRequest {
    var request = CaptureRequest(targets)
    request.filter = filter ?? Variables.value("FILTER")
    request.snap = try snaplen ?? Variables.number("SNAPLEN")
    request.count = try count ?? Variables.number("COUNT")
    request.duration = try (duration ?? Variables.value("DURATION")).map { try Self.seconds($0, "--duration") }
    request.direction = try word(direction ?? Variables.value("DIRECTION"), "--direction", ["in", "out", "both"])
    request.drops = try word(drops ?? Variables.value("DROPS"), "--drops", ["include", "only"])
    request.isRaw = raw
    request.segments = segment
    for (name, value) in [("--snaplen", request.snap), ("--count", request.count)] {
      if let value, value < 1 { throw UserError(.badInput, "\(name) must be 1 or more, found \(value)") }
    }
    return request
  }

  private func word(_ text: String?, _ name: String, _ known: [String]) throws -> String? {
    guard let text else { return nil }
    guard known.contains(text) else {
      throw UserError(.badInput, "\(name) is \(known.joined(separator: ", ")), found \"\(text)\"")
    }
    return text
  }

  private func ringFiles(_ path: String?) throws -> RingFiles? {
    guard let text = ring ?? Variables.value("RING") else { return nil }
    guard let files = RingFiles(text) else {
      throw UserError(.badInput, "--ring is COUNTxSIZE as in 4x10M, found \"\(text)\"")
    }
    guard let path, path != "-" else { throw UserError(.badInput, "--ring needs -w FILE") }
    return files
  }

  static func check(_ filter: String) throws {
    do {
      _ = try Filter(filter)
    } catch {
      throw UserError(.badInput, "filter \"\(filter)\": \(error)")
    }
  }

  private static func seconds(_ text: String, _ name: String) throws -> Double {
    guard let seconds = Units.seconds(text), seconds > 0 else {
      throw UserError(.badInput, "\(name) is a time such as 30s, found \"\(text)\"")
    }
    return seconds
  }

  private static func number(_ text: String?, _ name: String) throws -> Double? {
    guard let text else { return nil }
    guard let number = Double(text) else { throw UserError(.badInput, "\(name) is a number, found \"\(text)\"") }
    return number
  }
}

extension String {
  /// This text with the first place of a character replaced: `vm1:eth0` and `vm1.eth0` are the same.
  func replacingFirst(_ character: Character, with other: Character) -> String {
    guard let index = firstIndex(of: character) else { return self }
    var text = self
    text.replaceSubrange(index...index, with: String(other))
    return text
  }
}
