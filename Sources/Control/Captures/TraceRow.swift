import Dataplane
import Lab

/// What `POST /v1/trace` takes.
package struct TraceRequest: Codable, Sendable, Equatable {
  package var port: String
  /// The frame's bytes.
  package var frame: [UInt8]
  package init(port: String, frame: [UInt8]) {
    self.port = port
    self.frame = frame
  }
}

/// What the switch would do with a frame.
package struct TraceRow: Codable, Sendable, Equatable {
  package struct Step: Codable, Sendable, Equatable {
    package var step: String
    package var text: String
    package var port: String?
    package var `switch`: String?
    package var drop: String?
  }
  package struct Output: Codable, Sendable, Equatable {
    package var port: String
    /// In hexadecimal digits.
    package var frame: String
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
