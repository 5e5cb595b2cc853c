/// What a port has counted, as a plain value.
package struct PortCounters: Codable, Equatable, Sendable {
  package var port: String
  package var receivePackets: UInt64
  package var receiveBytes: UInt64
  package var transmitPackets: UInt64
  package var transmitBytes: UInt64
  /// By the names of the reasons.
  package var dropsIn: [String: UInt64]
  package var dropsOut: [String: UInt64]
}
