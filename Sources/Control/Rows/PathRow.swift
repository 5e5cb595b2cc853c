/// Where a file of a node lies: its console's socket, its log.
package struct PathRow: Codable, Sendable, Equatable {
  package var path: String
  package init(path: String) { self.path = path }
}
