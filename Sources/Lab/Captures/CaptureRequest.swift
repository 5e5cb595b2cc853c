import Capture
import Dataplane
import Topology

/// What a capture is to be, whoever wants it: a client of the API, or the lab file.
package struct CaptureRequest: Sendable, Equatable {
  /// What becomes of dropped frames; a frame's fate is left out where nothing is said.
  package enum Drops: String, Sendable, CaseIterable {
    /// They are captured too, with their reason.
    case include
    /// Nothing else is.
    case only
  }

  /// Ports, links, nodes, switches, or `all`.
  package var targets: [String] = []
  /// Name among the running captures; the daemon finds one where there is none.
  package var id: String?
  package var filter: String?
  /// Bytes of each frame that are kept; 0 and nil = all.
  package var snap: Int?
  /// Frames after which it ends.
  package var count: Int?
  /// Seconds after which it ends.
  package var duration: Double?
  /// Nil = both, or for links alone each frame once, as it was sent.
  package var direction: CaptureDefinition.Direction?
  package var drops: Drops?
  /// Partial checksums stay as they are.
  package var isRaw = false
  /// Frames that a device would cut into segments are cut.
  package var segments = false
  /// Drop codes are written as verdicts too.
  package var writesVerdicts = false

  package init(_ targets: [String]) { self.targets = targets }

  /// What a lab file declares, which has its file for a name.
  init(_ definition: CaptureDefinition) {
    self.init(definition.targets.map(\.name))
    id = definition.id
    filter = definition.filter
    snap = definition.snap
    direction = definition.direction
  }
}

extension CaptureRequest {
  /// One of the words that an option or parameter may have; here all of them are checked, wherever they come from.
  /// - Parameter name: `direction`, `--direction`: for the error's text.
  /// - Throws: `UserError` for another word.
  package static func word<Word: RawRepresentable<String> & CaseIterable>(
    _ text: String?, _ name: String, _: Word.Type = Word.self
  ) throws(UserError) -> Word? {
    guard let text else { return nil }
    guard let word = Word(rawValue: text) else {
      let known = Word.allCases.map(\.rawValue).joined(separator: ", ")
      throw UserError(.badInput, "\(name) must be one of \(known), found \"\(text)\"")
    }
    return word
  }

  /// Checks the id that a client has chosen: what those of declared captures begin with is no client's.
  /// - Throws: `UserError` (`badInput`).
  func checkID() throws(UserError) {
    guard let id, id.hasPrefix(CaptureDefinition.idPrefix) else { return }
    throw UserError(
      .badInput, "id must not begin with \"\(CaptureDefinition.idPrefix)\", found \"\(id)\"",
      hint: "captures that the lab file declares are called so")
  }

  /// - Throws: `UserError` with libpcap's words for a text that is no filter.
  package static func compiled(_ filter: String) throws(UserError) -> Filter {
    do {
      return try Filter(filter)
    } catch {
      throw UserError(.badInput, "filter \"\(filter)\": \(error)")
    }
  }

  /// Settings of the session.
  func settings(linksOnly: Bool) throws(UserError) -> CaptureSettings {
    var settings = CaptureSettings()
    settings.filter = try filter.map { text throws(UserError) in try Self.compiled(text) }
    settings.tap.snapLength = snap ?? 0
    settings.tap.directions = CaptureDirections(direction ?? (linksOnly ? .in : .both))
    settings.tap.drops = DroppedFrames(drops)
    settings.count = count.map { UInt64($0) }
    settings.duration = duration.map { .seconds(min($0, 1e9)) }
    settings.isRaw = isRaw
    settings.segments = segments
    settings.writesVerdicts = writesVerdicts
    return settings
  }
}

extension CaptureDirections {
  package init(_ direction: CaptureDefinition.Direction) {
    switch direction {
    case .in: self = .fromNode
    case .out: self = .toNode
    case .both: self = .both
    }
  }
}

extension DroppedFrames {
  init(_ drops: CaptureRequest.Drops?) {
    switch drops {
    case nil: self = .ignored
    case .include: self = .included
    case .only: self = .only
    }
  }
}

extension CaptureDefinition {
  /// What such names begin with, and no others.
  static let idPrefix = "file:"
  /// Its name among the running captures.
  var id: String { "\(Self.idPrefix)\(file)" }
}

extension CaptureDefinition.Target {
  /// The target as a command line names it.
  fileprivate var name: String {
    switch self {
    case .port(let node, let nic): Names.port(node: node, nic: nic)
    case .link(let name), .node(let name), .switch(let name): name
    case .all: "all"
    }
  }
}
