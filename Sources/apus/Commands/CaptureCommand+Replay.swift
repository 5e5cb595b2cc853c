import Control
import FoundationEssentials
import Lab
import Topology

extension CaptureCommand {
  /// Sends the frames of a file.
  func replay(_ file: String) async throws {
    guard let port = inject ?? Variables.value("INJECT") else {
      throw UserError(.badInput, "--from-file needs --inject PORT, the port to send into")
    }
    guard targets.isEmpty else {
      throw UserError(.badInput, "--from-file sends; it captures nothing: leave out targets")
    }
    let speed = try speed ?? Self.number(Variables.value("SPEED"), "--speed") ?? 1
    guard speed >= 0, speed.isFinite else { throw UserError(.badInput, "--speed must be 0 or more, found \(speed)") }
    let path = file.hasPrefix("/") ? file : "\(FileManager.default.currentDirectoryPath)/\(file)"
    let direction = try CaptureRequest.word(
      direction ?? Variables.value("DIRECTION"), "--direction", CaptureDefinition.Direction.self)
    let request = ReplayRequest(
      file: path, port: port, speed: speed, interface: interface ?? Variables.value("INTERFACE"),
      direction: direction?.rawValue)
    try await selection.session().client.stream(.post, ControlPath.replay, body: request, as: ReplayLine.self) { line in
      switch line {
      case .done(let row):
        Output.words(
          "\(Self.frames(row.sent)) sent into \(port.replacingFirst(":", with: "."))" + Self.leftOut(of: row))
        if direction == nil, row.outbound > 0, row.outbound < row.sent {
          Output.words(
            "  \(row.outbound) of them went to a node where they were captured; --direction in leaves those out")
        }
      case .failed(let error): throw error.userError
      }
    }
  }

  /// As `, 3 left out as ..., 1 left out as ...`.
  private static func leftOut(of row: ReplayRow) -> String {
    let kinds = [
      (row.incomplete, "as the file has them in part only, or they are too long"),
      (row.others, "as they are of another interface or direction"),
      (row.dropped, "as they were dropped where they were captured"), (row.foreign, "as they are no Ethernet"),
    ]
    return kinds.filter { $0.0 > 0 }.map { ", \($0.0) left out \($0.1)" }.joined()
  }

  private static func number(_ text: String?, _ name: String) throws -> Double? {
    guard let text else { return nil }
    guard let number = Double(text) else { throw UserError(.badInput, "\(name) is a number, found \"\(text)\"") }
    return number
  }
}
