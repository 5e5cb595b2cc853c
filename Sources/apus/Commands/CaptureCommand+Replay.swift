import Control
import FoundationEssentials
import Lab
import Topology

extension CaptureCommand {
  /// Sends the frames of a file.
  func replay(_ file: String) async throws {
    guard let port = Variables.option(inject, "INJECT") else {
      throw UserError(.badInput, "--from-file needs --inject PORT, the port to send into")
    }
    guard targets.isEmpty else {
      throw UserError(.badInput, "--from-file sends; it captures nothing: leave out targets")
    }
    let speed = try Variables.option(speed, "SPEED", OptionText.factor) ?? 1
    let path = file.hasPrefix("/") ? file : "\(FileManager.default.currentDirectoryPath)/\(file)"
    let direction = try Variables.option(direction, "DIRECTION", OptionText.word)
    let request = ReplayRequest(
      file: path, port: port, speed: speed, interface: Variables.option(interface, "INTERFACE"),
      direction: direction?.rawValue)
    try await selection.session().client.stream(API.replay, request) { line in
      switch line {
      case .done(let row):
        Output.words(
          "\(Self.frames(row.sent)) sent into \(PortName.dotted(port))" + Self.leftOut(of: row))
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
}
