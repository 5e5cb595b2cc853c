import Foundation
import LinuxHost

/// What the tests read of a row of `GET /v1/captures`.
struct CaptureRow: Decodable, Sendable {
  var id: String
  var targets: [String]
  var ports: [String]
  var filter: String
  var received: Int
  var filtered: Int
  var dropped: Int
  var written: Int
}

extension Sandbox {
  /// Asks a lab's API as a script would.
  /// - Returns: the status of the answer, and its text.
  func api(_ lab: String, _ path: String, method: String = "GET", body: String? = nil) async throws -> (Int, String) {
    var command = ["/usr/bin/curl", "-s", "-S", "--unix-socket", "\(state)/\(lab)/control.sock", "-X", method]
    if let body { command += ["-H", "Content-Type: application/json", "-d", body] }
    command += ["-w", "\n%{http_code}", "http://apus\(path)"]
    let outcome = try await execute(command, within: 20)
    let end = outcome.output.lastIndex(of: "\n") ?? outcome.output.startIndex
    guard outcome.status == 0, let status = Int(outcome.output[end...].dropFirst()) else { throw Failure("\(outcome)") }
    return (status, String(outcome.output[..<end]))
  }

  /// The captures that run.
  func captures(_ lab: String) async throws -> [CaptureRow] {
    let (status, text) = try await api(lab, "/v1/captures")
    guard status == 200 else { throw Failure("GET /v1/captures: \(status) \(text)") }
    return try JSONDecoder().decode([CaptureRow].self, from: Data(text.utf8))
  }
}

/// What tshark reads of a capture file: a line a frame, its fields in the order asked for.
///
/// - Throws: `Failure` if it says anything of the file beside that.
func tshark(
  _ path: String, _ names: [String], filter: String = "", options: [String] = []
) async throws -> [[String]] {
  var command = ["/usr/bin/tshark", "-r", path, "-T", "fields", "-E", "separator=,"]
  for name in names { command += ["-e", name] }
  command += options
  if !filter.isEmpty { command += ["-Y", filter] }
  let outcome = try await execute(command, within: 60)
  // What it says of itself is no warning about the file.
  let warnings = outcome.errors.split(separator: "\n").filter { !$0.contains("Running as user") }
  guard outcome.status == 0, warnings.isEmpty else { throw Failure("\(outcome)") }
  return outcome.output.split(separator: "\n").map { line in
    line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
  }
}
