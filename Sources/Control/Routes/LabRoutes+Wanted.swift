import Hummingbird
import Lab
import NIOCore
import Topology

/// What `PUT /v1/lab` is given: the canonical form as JSON, or a lab file's text.
extension LabRoutes {
  typealias UpCall = Call<UpQuery, Written<LabDocument>>

  /// The lab that is asked for.
  /// - Throws: `UserError`; `LabFileMistakes` for a text with errors.
  func wanted(_ call: UpCall) async throws -> CanonicalLab {
    let lab = try await call.politely { try await said(call) }
    let current = await service.lab()
    guard let current else { return lab }
    guard current.name == lab.name else {
      throw UserError(
        .different, "this daemon serves lab \(current.name), not \(lab.name)", hint: "each lab has a daemon of its own")
    }
    let makesWay = call.query.replace == true && call.query.dryRun != true
    if !makesWay, let conflict = RecordedLab.conflict(current, with: lab) { throw conflict }
    return lab
  }

  private func said(_ call: UpCall) async throws -> CanonicalLab {
    if call.request.isLabFile {
      var lab = try await service.load(
        try await call.text(), in: call.query.directory, isTCP: call.isTCP
      ).checked()
      // Another text of what is up, whatever that is from, is no other file.
      if let current = await service.lab() { lab.source = current.source }
      if call.isTCP { try await refuseHostPaths(LabDocument(lab)) }
      return lab
    }
    do {
      var document = try await call.decoded(LabDocument.self)
      try document.fillImages(from: catalogue, isComplete: call.isTCP)
      if call.isTCP { try document.refuseHostPaths(beside: await service.lab(), catalogue) }
      var lab = try document.lab()
      // What says of no file that it is from there is another text of what is up.
      if document.source == nil, let current = await service.lab() {
        lab.source = current.source
        if document.directory == nil { lab.directory = current.directory }
      }
      return lab
    } catch var error as UserError {
      // A command of ours has made it of a file that it has checked.
      error.hint = error.hint ?? VersionMismatch.hint
      throw error
    }
  }

  /// What a text says is judged as the same said in JSON.
  private func refuseHostPaths(_ document: LabDocument) async throws {
    try HostPaths.refuse(try JSON.decode(JSONValue.self, from: JSON.bytes(document)), LabDocument.shape)
    try document.refuseHostPaths(beside: await service.lab(), catalogue)
  }

  private var catalogue: ImageCatalogue { ImageCatalogue(directories: service.directories) }

  /// The request is next, if the lab that is up is as the client has seen it.
  /// - Returns: its ticket at the door.
  func enter(_ condition: Precondition, _ lab: CanonicalLab) async throws -> Int {
    guard condition.isSaid else { return try await door.enter(lab) }
    return try await door.enter(lab) {
      guard let current = await service.lab() else {
        throw UserError(.different, "no lab is up, and If-Match asks for one", hint: "leave it out")
      }
      try condition.check(try EntityTag(of: LabDocument(current)), of: "lab \(current.name)")
    }
  }

  /// What would be done.
  func preview(_ lab: CanonicalLab, _ call: UpCall) async throws -> Response {
    let steps = try await service.preview(lab, isReset: call.query.reset ?? false)
    return Answer.lines(to: call.channel) { lines in lines.yield(LabLine.plan(steps.map { PlanRow($0) })) }
  }

  /// Takes down what only `down` makes way for.
  /// - Parameter from: folder of the saved lab that it is to go on from; nil = it begins.
  func makeWay(
    for lab: CanonicalLab, from: String?, _ progress: @escaping @Sendable (String) -> Void
  ) async throws {
    guard let current = await service.lab(), RecordedLab.isInTheWay(current, of: lab) else { return }
    if let from { try await SavedLabs.check(from, for: lab, in: service.directories) }
    try await service.takeDown(progress: progress)
  }
}

extension Call {
  /// The body, whatever it is.
  /// - Throws: `HTTPRefusal` for one that is too large.
  func text() async throws -> [UInt8] { try await request.bytes(isTCP: isTCP, limit: isTCP ? bodyLimit : nil) }
}

extension Request {
  /// The body is a lab file's text.
  var isLabFile: Bool {
    let type = headers[.contentType]?.prefix { $0 != ";" }.lowercased() ?? ""
    return ["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"].contains(type)
  }
}

/// A lab file's text as it was read.
struct ReadLab: Sendable {
  var source: SourceText
  var result: LoadResult

  /// - Throws: `LabFileMistakes`.
  func checked() throws -> CanonicalLab {
    guard let lab = result.lab, !result.hasErrors else { throw LabFileMistakes(diagnostics: result.diagnostics) }
    return lab
  }
}

extension LabService {
  /// Reads and checks a lab file that a client sends.
  ///
  /// - Parameter directory: where its relative paths start; nil = that of the lab that is up.
  func load(_ text: [UInt8], in directory: String?, isTCP: Bool) async throws -> ReadLab {
    let current = await lab()
    // Another text of what is up is no other file; standard input is none, as with `apus up -`.
    let source = SourceText(path: current?.source ?? "-", text: text)
    let facts = HostLabFacts(directories: directories)
    let result = loadLab(
      source, directory: directory ?? current?.directory ?? "/",
      facts: isTCP ? RemoteLabFacts(host: facts) : facts as any LabFacts, environment: [:])
    return ReadLab(source: source, result: result)
  }

  /// What `up` would do.
  func preview(_ lab: CanonicalLab, isReset: Bool) async throws -> [PlanStep] {
    try LabPreview.steps(lab, directories: directories, isServing: await self.lab() != nil, isReset: isReset)
  }
}
