import ArgumentParser
import Control
import Lab

struct TraceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace", abstract: "Say step by step what the switch would do with a frame, and why; nothing is sent.",
    usage: "apus trace PORT FRAME",
    discussion: """
      FRAME is hexadecimal digits, or words: src=MAC dst=MAC vlan=10 priority=3 type=0x0800 size=60
      Without src it is the port's own address, without dst the broadcast address.
      """)

  @OptionGroup var selection: LabOptions
  @OptionGroup var output: OutputOptions
  @Argument(help: "The port whose node sends the frame.") var port: String
  @Argument(help: "The frame.") var frame: [String] = []

  func run() async throws {
    let client = try selection.session().client
    let ports = try await client.get(ControlPath.ports, as: [PortRow].self)
    let name = port.replacingFirst(":", with: ".")
    guard let row = ports.first(where: { $0.name == port || $0.name == name }) else {
      throw UserError(
        .notFound, "there is no port \"\(port)\"", hint: "ports: \(ports.map(\.name).joined(separator: ", "))")
    }
    let bytes = try FrameText.bytes(frame, source: row.mac ?? "02:00:00:00:00:00")
    var answer: TraceRow?
    try await client.stream(
      .post, ControlPath.trace, body: TraceRequest(port: row.name, frame: bytes), as: TraceRow.self
    ) { answer = $0 }
    guard let answer else { throw UserError(.failed, "the daemon did not answer") }
    Output.data(try output.rendering.text(answer, table: answer.description))
  }
}

/// A frame as somebody writes it on a command line.
enum FrameText {
  /// Bytes of the shortest frame, less its checksum.
  private static let shortest = 60

  /// - Parameter source: the station address that is taken when none is said.
  static func bytes(_ words: [String], source: String) throws(UserError) -> [UInt8] {
    if !words.isEmpty, !words.contains(where: { $0.contains("=") }) { return try hexadecimal(words.joined()) }
    var values = ["src": source, "dst": "ff:ff:ff:ff:ff:ff", "type": "0x0800", "size": "\(shortest)"]
    let known = ["src", "dst", "vlan", "priority", "type", "size"]
    for word in words {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
      guard parts.count == 2, known.contains(parts[0]) else {
        throw UserError(.badInput, "\"\(word)\" is none of \(known.map { "\($0)=" }.joined(separator: ", "))")
      }
      values[parts[0]] = parts[1]
    }
    var frame = try address(values["dst"] ?? "", "dst") + address(values["src"] ?? "", "src")
    if values["vlan"] != nil || values["priority"] != nil {
      let vlan = try number(values["vlan"] ?? "0", "vlan", 0...4095)
      let priority = try number(values["priority"] ?? "0", "priority", 0...7)
      frame += [0x81, 0x00, UInt8(priority << 5 | vlan >> 8), UInt8(vlan & 0xFF)]
    }
    let type = try number(values["type"] ?? "", "type", 0...0xFFFF)
    frame += [UInt8(type >> 8), UInt8(type & 0xFF)]
    let size = try number(values["size"] ?? "", "size", frame.count...65_535)
    return frame + [UInt8](repeating: 0, count: size - frame.count)
  }

  private static func hexadecimal(_ text: String) throws(UserError) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace && $0 != ":" }
    let values = digits.compactMap { $0.hexDigitValue }
    guard values.count == digits.count, !values.isEmpty, values.count % 2 == 0 else {
      throw UserError(.badInput, "a frame is an even number of hexadecimal digits, or words such as dst=MAC vlan=10")
    }
    return stride(from: 0, to: values.count, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
  }

  private static func address(_ text: String, _ name: String) throws(UserError) -> [UInt8] {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let bytes = parts.compactMap { UInt8($0, radix: 16) }
    guard parts.count == 6, bytes.count == 6 else {
      throw UserError(.badInput, "\(name)=\"\(text)\" is no MAC address such as 02:00:00:00:00:01")
    }
    return bytes
  }

  private static func number(_ text: String, _ name: String, _ range: ClosedRange<Int>) throws(UserError) -> Int {
    let value = text.hasPrefix("0x") ? Int(text.dropFirst(2), radix: 16) : Int(text)
    guard let value, range.contains(value) else {
      throw UserError(.badInput, "\(name)=\"\(text)\" is not in \(range.lowerBound)..\(range.upperBound)")
    }
    return value
  }
}
