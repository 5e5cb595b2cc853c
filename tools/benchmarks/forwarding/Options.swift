import Glibc
import GuestKit

/// What the command line asks for.
struct Options {
  /// The benchmark to run.
  enum Work {
    case forward(Scenario)
    case addPorts(Int)
    case macs
    case flood
    case roundTrips(String, String)
    case pairs(Int)
  }

  var work = Work.forward(.access)
  var frames = 64_000
  var size = 64
  var recorder = "off"
  /// Guests have their dirty pages logged.
  var isLogged = false
  /// Front-ends keep what is in hand (INFLIGHT_SHMFD).
  var isKept = false
  var capture = "none"
  var chain = Station.Chain.single
  var ring = RingFormat.split
  /// Bytes of the receiver's buffers; 0 = as many as a frame needs.
  var buffers = 0
  /// Receive rings that are enabled.
  var queues = 1
  var idlePorts = 0
  /// Frames that become visible together.
  var burst = 64
  /// Buffers that the frames of a ring lie in; 0 = one for each.
  var distinct = 0
  /// Numbers of stations of `--macs`, and ports of `--flood`.
  var macs: [Int] = []
  var flooded = 0
  var rounds = 5
  var format = "table"
  var workers = 1
  /// The workers' threads play the guests of `--pairs` too.
  var isDriven = false
  var seconds = 1

  init(_ arguments: [String]) {
    var rest = arguments.dropFirst()
    while let name = rest.popFirst() {
      guard let value = rest.popFirst() else { Options.fail("\(name) needs a value") }
      if !takesNumber(name, value) && !takesWord(name, value) {
        Options.fail("unknown option \(name), or value of it; see the head of main.swift")
      }
    }
  }

  private mutating func takesNumber(_ name: String, _ value: String) -> Bool {
    switch name {
    case "--frames": frames = Options.number(name, value, 1...100_000_000)
    case "--size": size = Options.number(name, value, 60...65_550)
    case "--buffers": buffers = Options.number(name, value, 0...70_000)
    case "--queues": queues = Options.number(name, value, 1...16)
    case "--idle-ports": idlePorts = Options.number(name, value, 0...50_000)
    case "--burst": burst = Options.number(name, value, 1...64)
    case "--distinct": distinct = Options.number(name, value, 0...256)
    case "--rounds": rounds = Options.number(name, value, 1...1000)
    case "--flood":
      flooded = Options.number(name, value, 1...4096)
      work = .flood
    case "--workers": workers = Options.number(name, value, 1...64)
    case "--seconds": seconds = Options.number(name, value, 1...600)
    case "--add-ports": work = .addPorts(Options.number(name, value, 1...60_000))
    case "--pairs": work = .pairs(Options.number(name, value, 1...64))
    default: return false
    }
    return true
  }

  private mutating func takesWord(_ name: String, _ value: String) -> Bool {
    switch name {
    case "--mode":
      guard let scenario = Scenario(rawValue: value) else {
        Options.fail("unknown mode \(value); known: \(Scenario.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      work = .forward(scenario)
    case "--driven" where value == "on" || value == "off": isDriven = value == "on"
    case "--inflight" where value == "on" || value == "off": isKept = value == "on"
    case "--log" where value == "on" || value == "off": isLogged = value == "on"
    case "--recorder" where value == "on" || value == "off": recorder = value
    case "--capture" where ["none", "idle", "other", "full", "filtered"].contains(value): capture = value
    case "--chain":
      guard let known = Station.Chain(rawValue: value) else { return false }
      chain = known
    case "--macs":
      macs = value.split(separator: ",").map { Options.number(name, String($0), 4...1 << 20) }
      work = .macs
    case "--format" where value == "table" || value == "json": format = value
    case "--ring":
      guard let known = RingFormat(rawValue: value) else { return false }
      ring = known
    case "--round-trips":
      let sockets = value.split(separator: ",").map(String.init)
      guard sockets.count == 2 else { return false }
      work = .roundTrips(sockets[0], sockets[1])
    default: return false
    }
    return true
  }

  private static func number(_ name: String, _ text: String, _ range: ClosedRange<Int>) -> Int {
    guard let value = Int(text), range.contains(value) else {
      fail("\(name) takes a number from \(range.lowerBound) to \(range.upperBound), not \(text)")
    }
    return value
  }

  /// Ends the process with a line of text.
  ///
  /// - Parameter status: 1 = it went wrong, 2 = bad arguments, 3 = this build cannot do it.
  static func fail(_ message: String, status: CInt = 2) -> Never {
    let line = Array("forwarding-benchmark: \(message)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    exit(status)
  }
}
