import Lab
import Topology

extension LabDocument {
  /// The API over TCP.
  struct HTTP: Described, Equatable {
    var listen: String
    var tokenFile: String?
    var metrics: HTTPDefinition.Metrics?
    var names: [String]?

    enum CodingKeys: String, CodingKey {
      case listen, metrics, names
      case tokenFile = "token_file"
    }

    init(_ definition: HTTPDefinition) {
      (listen, tokenFile) = (definition.listen.description, definition.tokenFile)
      metrics = definition.metrics == .token ? nil : definition.metrics
      names = definition.names
    }

    func definition() throws(UserError) -> HTTPDefinition {
      guard let address = HTTPAddress(listen) else {
        throw UserError(.badInput, "http: listen: \"\(listen)\" is no address with a port, such as 127.0.0.1:8080")
      }
      var definition = HTTPDefinition(listen: address)
      if let tokenFile, !tokenFile.hasPrefix("/") {
        throw UserError(.badInput, "http: token_file: \"\(tokenFile)\" is no absolute path")
      }
      definition.tokenFile = tokenFile
      definition.metrics = metrics ?? .token
      for name in names ?? [] {
        guard let name = Names.host(name) else {
          throw UserError(.badInput, "http: names: \"\(name)\" is not the name of a host")
        }
        definition.names = (definition.names ?? []) + [name]
      }
      return definition
    }

    static let shape = Shape.object(
      "LabHTTP", "The API over TCP.",
      [
        Field("listen", .text, "Address and port: `127.0.0.1:8080`."),
        Field(optional: "token_file", .text, "Absolute path of the file with the token.").onSocket(),
        Field(
          optional: "metrics", .choice(HTTPDefinition.Metrics.allCases.map(\.rawValue)),
          "Whether `/metrics` needs the token, as without it."),
        Field(optional: "names", .list(.text), "Names by which browsers call this host."),
      ])
  }
}
