/// A station address is a text wherever it is written down: `"02:00:00:00:00:01"`.
extension MACAddress: Codable {
  /// - Throws: `DecodingError` for a text that is no station address.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let address = MACAddress(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "\"\(text)\" is no MAC address such as 02:00:00:00:00:01")
    }
    self = address
  }

  /// Writes it as `description` has it.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
