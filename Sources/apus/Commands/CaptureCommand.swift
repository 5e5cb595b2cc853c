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
      apus capture TARGET ... --per-interface DIR [--format pcapng|pcap]
      apus capture TARGET ... --last D [-w FILE|-]
      apus capture --from-file FILE --inject PORT [--speed X] [--interface NAME] [--direction in|out|both]
      """,
    discussion: """
      Without -w a line for each frame is printed; -w - writes pcapng to standard output: | wireshark -k -i -
      For links alone each frame is taken once, at the end that sends it, unless --direction says more.
      """
  )
  .withExamples("capture")

  private static let snapLength = OptionText.number(in: 0...Int.max)
  private static let frameCount = OptionText.number(in: 1...Int.max)

  @OptionGroup var selection: LabOptions
  @Argument(help: "Ports, links, nodes, switches, or all.", completion: Names.targets) var targets: [String] = []
  @Option(
    name: .shortAndLong, help: "Write pcapng to this file; - is standard output. (APUS_WRITE)", completion: .file())
  var write: String?
  @Option(
    name: .long, help: "pcapng, or pcap for one port, as of a file that ends in .pcap. (APUS_FORMAT)",
    completion: .words(of: CaptureFormat.self), transform: OptionText.word)
  var format: CaptureFormat?
  @Option(name: .long, help: "A file for each port, in this folder. (APUS_PER_INTERFACE)", completion: .directory)
  var perInterface: String?
  @Option(name: .shortAndLong, help: "Only these frames, as tcpdump has it. (APUS_FILTER)") var filter: String?
  @Option(
    name: .shortAndLong, help: "Bytes of each frame that are kept; 0 = all. (APUS_SNAPLEN)", transform: snapLength)
  var snaplen: Int?
  @Option(name: .shortAndLong, help: "End after this many frames. (APUS_COUNT)", transform: frameCount) var count: Int?
  @Option(name: .long, help: "End after this time. (APUS_DURATION)", transform: OptionText.time) var duration: Double?
  @Option(
    name: .long, help: "in = from the node into the switch, out, or both. (APUS_DIRECTION)",
    completion: .words(of: CaptureDefinition.Direction.self), transform: OptionText.word)
  var direction: CaptureDefinition.Direction?
  @Option(
    name: .long, help: "Files in turn: 4x10M is four of 10 MiB. (APUS_RING)", transform: OptionText.ring)
  var ring: RingFiles?
  @Option(
    name: .long, help: "Write what was recorded in this time, and end. (APUS_LAST)", transform: OptionText.time)
  var last: Double?
  @Option(
    name: .long, help: "include = dropped frames too, with their reason; only = nothing else. (APUS_DROPS)",
    completion: .words(of: CaptureRequest.Drops.self), transform: OptionText.word)
  var drops: CaptureRequest.Drops?
  @Flag(name: .long, help: "Leave checksums that a device would complete as they are. (APUS_RAW)")
  var raw = Variables.isSet("RAW")
  @Flag(name: .long, help: "Cut frames that a device would cut into segments. (APUS_SEGMENT)")
  var segment = Variables.isSet("SEGMENT")
  @Flag(name: .long, help: "Say drops in a way that Wireshark 4.0 cannot convert, too. (APUS_VERDICTS)")
  var verdicts = Variables.isSet("VERDICTS")
  @Option(
    name: .long, help: "A capture file whose frames are sent into a port. (APUS_FROM_FILE)",
    completion: .file(extensions: ["pcapng", "pcap"])) var fromFile: String?
  @Option(name: .long, help: "The port, as if its node had sent them. (APUS_INJECT)", completion: Names.ports)
  var inject: String?
  @Option(
    name: .long, help: "How many times faster; 0 = as fast as it goes. (APUS_SPEED)", transform: OptionText.factor)
  var speed: Double?
  @Option(name: .long, help: "Of the file, only frames of this interface. (APUS_INTERFACE)") var interface: String?

  func run() async throws {
    if let file = Variables.option(fromFile, "FROM_FILE") { return try await replay(file) }
    let ofReplay = [("--inject", inject != nil), ("--speed", speed != nil), ("--interface", interface != nil)]
    for (name, isThere) in ofReplay where isThere {
      throw UserError(.badInput, "\(name) needs --from-file")
    }
    guard !targets.isEmpty, targets.allSatisfy({ $0.contains { $0 != "," } }) else {
      throw UserError(.badInput, "what is to be captured?", hint: "name ports, links, nodes, switches, or all")
    }
    let request = try request()
    // Before the daemon is asked, so that a mistake is told even where no lab is up.
    if let filter = request.filter { _ = try CaptureRequest.compiled(filter) }
    let destination = try CaptureDestination(
      write: Variables.option(write, "WRITE"), folder: Variables.option(perInterface, "PER_INTERFACE"),
      format: try Variables.option(format, "FORMAT", OptionText.word),
      ring: try Variables.option(ring, "RING", OptionText.ring))
    let session = try selection.session()
    if let last = try Variables.option(last, "LAST", OptionText.time) {
      return try await recorded(last, request, session, destination)
    }
    try await live(request, session, destination)
  }

  // MARK: - Live

  private func live(_ request: CaptureRequest, _ session: LabSession, _ destination: CaptureDestination) async throws {
    let output = destination.output()
    let showsCounts = destination.isFile && isatty(STDERR_FILENO) == 1
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

  static func frames(_ count: some BinaryInteger) -> String { count == 1 ? "1 frame" : "\(count) frames" }

  // MARK: - After the fact

  private func recorded(
    _ last: Double, _ request: CaptureRequest, _ session: LabSession, _ destination: CaptureDestination
  ) async throws {
    let output = destination.output()
    defer { output.close() }
    let query = RecordingQuery(request, last: last)
    try await session.client.download(API.recording, query: query) { try output.take($0) { false } }
    let (frames, were) = (Self.frames(output.tally.packets), output.tally.packets == 1 ? "was" : "were")
    Output.words("\(frames) \(were) recorded in the last \(last) s; their first 64 bytes are kept")
  }

  // MARK: - What was asked for

  private func request() throws -> CaptureRequest {
    var request = CaptureRequest(targets)
    request.filter = Variables.option(filter, "FILTER")
    request.snap = try Variables.option(snaplen, "SNAPLEN", Self.snapLength)
    request.count = try Variables.option(count, "COUNT", Self.frameCount)
    request.duration = try Variables.option(duration, "DURATION", OptionText.time)
    request.direction = try Variables.option(direction, "DIRECTION", OptionText.word)
    request.drops = try Variables.option(drops, "DROPS", OptionText.word)
    request.isRaw = raw
    request.segments = segment
    request.writesVerdicts = verdicts
    return request
  }
}
