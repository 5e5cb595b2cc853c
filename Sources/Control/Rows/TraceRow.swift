import Dataplane
import Lab

/// What `POST /v1/trace` takes.
package struct TraceRequest: Described, Equatable {
  package var port: String
  /// The frame's bytes.
  package var frame: [UInt8]
  package init(port: String, frame: [UInt8]) {
    self.port = port
    self.frame = frame
  }

  package static let shape = Shape.object(
    "TraceRequest", "A frame that a node would send.",
    [
      Field("port", .text, "The port whose node would."),
      Field("frame", .list(.integer(0...255)), "Its bytes, from the destination's address on."),
    ])
}

/// What the switch would do with a frame.
package struct TraceRow: Described, Equatable {
  package struct Step: Described, Equatable {
    package var step: String
    package var text: String
    package var port: String?
    package var `switch`: String?
    package var drop: String?

    package static let shape = Shape.object(
      "TraceStep", "A step of a frame's way.",
      [
        Field("step", .text, "Which of the switch's rules."),
        Field("text", .text, "What it comes to, and why."),
        Field(optional: "port", .text, "Where."),
        Field(optional: "switch", .text, "Where."),
        Field(optional: "drop", .text, "Reason of the drop that it is."),
      ])
  }
  package struct Output: Described, Equatable {
    package var port: String
    /// In hexadecimal digits.
    package var frame: String

    package static let shape = Shape.object(
      "TraceOutput", "A frame that would leave.",
      [Field("port", .text, "Where."), Field("frame", .text, "In hexadecimal digits.")])
  }
  package var steps: [Step]
  package var outputs: [Output]
  /// Reasons of the drops on the way.
  package var drops: [String]

  init(_ trace: FrameTrace) {
    steps = trace.steps.map {
      Step(step: $0.kind.rawValue, text: $0.text, port: $0.port, switch: $0.switchName, drop: $0.drop)
    }
    outputs = trace.outputs.map { Output(port: $0.port, frame: $0.frame.map(Self.hex).joined()) }
    drops = trace.drops
  }

  package static let shape = Shape.object(
    "Trace", "What the switch would do with a frame.",
    [
      Field("steps", .list(Step.shape), "One after the other."),
      Field("outputs", .list(Output.shape), "What would leave."),
      Field("drops", .list(.text), "Reasons of the drops on the way."),
    ])

  private static func hex(_ byte: UInt8) -> String {
    let text = String(byte, radix: 16)
    return byte < 16 ? "0\(text)" : text
  }
}

extension TraceRow {
  /// A line a step, then what would leave.
  package var description: [String] {
    let width = steps.map(\.step.count).max() ?? 0
    var lines = steps.map { step in
      let place = step.switch.map { "\($0): " } ?? ""
      return "\(step.step)\(String(repeating: " ", count: width - step.step.count))  \(place)\(step.text)"
    }
    if outputs.isEmpty {
      lines.append("nobody gets it" + (drops.isEmpty ? "" : " (\(drops.joined(separator: ", ")))"))
    } else {
      lines.append("goes to \(outputs.map(\.port).joined(separator: ", "))")
    }
    return lines
  }
}
