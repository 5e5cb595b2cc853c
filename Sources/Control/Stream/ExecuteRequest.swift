/// Body of `POST /v1/nodes/NODE/exec`.
package struct ExecuteRequest: Codable, Sendable {
  /// Program and arguments; at least the program.
  package var command: [String]
  package init(command: [String]) { self.command = command }
}
