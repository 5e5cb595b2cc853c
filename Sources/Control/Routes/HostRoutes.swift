import Hummingbird
import Lab
import NIOCore
import Topology

extension API {
  package static let graph = Route<GraphQuery, NoBody, Drawing>(
    .get, "/v1/graph", "The lab as things and lines, each thing with its place in a drawing; or as a drawing.",
    errors: [.notFound])
  package static let schema = Route<NoQuery, NoBody, JSONSchemaText>(
    .get, "/v1/schema", "The JSON schema (draft-07) of the lab file, for editors.")
  package static let doctor = Route<NoQuery, NoBody, Single<[DoctorRow]>>(
    .get, "/v1/doctor", "Whether labs can run on this host: what is there, and what is missing.")
  package static let validate = Route<ValidateQuery, LabText, Single<ValidationRow>>(
    .post, "/v1/validate", "Checks a lab file, of whatever lab; nothing is started.")
}

/// In which language a drawing is.
package struct GraphQuery: RouteQuery {
  package var format: String?

  package init() {}
  package init(format: String?) { self.format = format }

  static let formats = ["json", "mermaid", "dot", "svg"]

  package static let shape = Shape.object(
    "GraphQuery", "In which language a drawing is.",
    [Field(optional: "format", .choice(formats), "`json` without it.")])
}

/// A lab as circles and lines.
package enum Drawing: ReplyKind {
  static let types = ["mermaid": PlainText.type, "dot": "text/vnd.graphviz; charset=utf-8", "svg": "image/svg+xml"]
  package static var content: Content? { Content(type: Content.jsonType, shape: LabGraph.shape) }
  package static var others: [Content] {
    types.values.sorted().map { Content(type: $0, text: "A drawing.") }
  }
}

/// A schema of JSON Schema.
package enum JSONSchemaText: ReplyKind {
  static let type = "application/schema+json"
  package static var content: Content? { Content(type: type, text: "A schema.") }
}

/// Where a lab file's relative paths start.
package struct ValidateQuery: RouteQuery {
  package var directory: String?

  package init() {}

  package static let shape = Shape.object(
    "ValidateQuery", "Where a lab file's relative paths start.",
    [
      Field(
        optional: "directory", .form(.path),
        "A folder of the host; that of the lab that is up without it."
      ).onSocket()
    ])
}

/// What `POST /v1/validate` answers.
package struct ValidationRow: Described, Equatable {
  /// It has no error.
  package var valid: Bool
  package var diagnostics: [DiagnosticRow]
  /// Nil where it has errors.
  package var lab: LabDocument?

  package static let shape = Shape.object(
    "Validation", "What is to be said of a lab file.",
    [
      Field("valid", .boolean, "It has no error; it may have warnings."),
      Field("diagnostics", .list(DiagnosticRow.shape), "In file order."),
      Field(optional: "lab", LabDocument.shape, "The lab with everything spelt out; not there where it has errors."),
    ])
}

/// The lab as a whole, lab files, and this host.
struct HostRoutes: Routes {
  let service: any LabService

  var routes: [ServedRoute] {
    [
      API.graph.responds { call in try await draw(call.query.format ?? "json") },
      API.schema.responds { _ in Self.text(JSONSchema.text(), JSONSchemaText.type) },
      API.doctor.answers { _ in
        await HostDoctor(directories: service.directories).checks().map { DoctorRow($0) }
      },
      API.validate.answers { call in
        try await call.politely {
          let result = try await service.load(
            try await call.text(), in: call.query.directory, isTCP: call.isTCP
          ).result
          return ValidationRow(
            valid: !result.hasErrors, diagnostics: result.diagnostics.map { DiagnosticRow($0) },
            lab: result.hasErrors ? nil : result.lab.map { LabDocument($0) })
        }
      },
    ]
  }

  private func draw(_ format: String) async throws -> Response {
    guard let lab = await service.lab() else { throw LabRuntime.noLab }
    let graph = LabGraph(
      lab, nodes: await service.nodes().map { NodeRow($0) }, links: await service.links().map { LinkRow($0) },
      ports: await service.ports().map { PortRow($0, isDetailed: false) })
    let type = Drawing.types[format] ?? Content.jsonType
    switch format {
    case "mermaid": return Self.text(graph.mermaid(), type)
    case "dot": return Self.text(graph.dot(), type)
    case "svg": return Self.text(graph.svg(), type)
    default: return try Answer.json(graph)
    }
  }

  private static func text(_ text: String, _ type: String) -> Response {
    Response(status: .ok, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
  }
}
