/// What this product says about itself.
package enum Product {
  /// Semantic version, as in CHANGELOG.md.
  package static let version = "0.1.0"
  /// First part of every path of the API.
  package static let interface = "v1"
}
