import Foundation
import LinuxHost
import Synchronization

/// How a command ended and what it said.
struct Outcome: Sendable, CustomStringConvertible {
  var command: String
  var status: Int32
  /// Standard output.
  var output: String
  /// Standard error.
  var errors: String

  var description: String { "\(command): status \(status)\n\(output)\(errors)" }

  /// Standard output as rows of JSON.
  func rows<Row: Decodable>(_ type: Row.Type = Row.self) throws -> [Row] {
    try JSONDecoder().decode([Row].self, from: Data(output.utf8))
  }
}

/// What a test says when the world is not as it must be.
struct Failure: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

/// Runs a command to its end.
func execute(
  _ command: [String], environment: [String: String]? = nil, namespace: String? = nil, within seconds: Double = 60
) async throws -> Outcome {
  let texts = Mutex<(output: [UInt8], errors: [UInt8])>(([], []))
  var request = SpawnRequest(executable: command[0], arguments: Array(command.dropFirst()), environment: environment)
  request.namespace = namespace
  let status: Int32
  do {
    status = try await run(
      request,
      onOutput: { isError, bytes in
        texts.withLock { texts in
          if isError { texts.errors += bytes } else { texts.output += bytes }
        }
      }, timeoutSeconds: seconds)
  } catch {
    let said = texts.withLock { String(decoding: $0.output + $0.errors, as: UTF8.self) }
    throw Failure("\(command.joined(separator: " ")): \(error)\n\(said)")
  }
  return texts.withLock { texts in
    Outcome(
      command: command.joined(separator: " "), status: status, output: String(decoding: texts.output, as: UTF8.self),
      errors: String(decoding: texts.errors, as: UTF8.self))
  }
}

/// The text of a file; nil if there is none.
func text(of path: String) -> String? {
  FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
}

/// The project's top folder.
let projectRoot = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().path
