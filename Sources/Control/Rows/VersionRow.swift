/// What `version` and `/v1/version` tell.
package struct VersionRow: Codable, Sendable, Equatable {
  package var version: String
  /// Version of the API.
  package var api: String

  package init() {
    version = Product.version
    api = Product.interface
  }
}
