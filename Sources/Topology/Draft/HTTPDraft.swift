/// `http:` of the lab file.
struct HTTPDraft {
  var listen: HTTPAddress?
  /// As written.
  var tokenFile: Located<String>?
  var metrics: HTTPDefinition.Metrics?
  /// In lower case.
  var names: [String] = []

  func definition(in directory: String) -> HTTPDefinition {
    var definition = HTTPDefinition(listen: listen ?? .usual)
    definition.tokenFile = tokenFile.map { Paths.absolute($0.value, in: directory) }
    definition.metrics = metrics ?? .token
    definition.names = names.isEmpty ? nil : names
    return definition
  }
}
