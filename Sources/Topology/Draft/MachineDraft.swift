/// The keys of a node that virtual machines have, of which containers share some; also what `defaults:` says for them.
struct MachineDraft {
  var image = ImageDraft.builtin
  /// Bytes.
  var memory: Located<Int>?
  var cpus: Located<Int>?
  var persist: Located<Bool>?
  var cloudInit: CloudInitDraft?
  var firmware: Located<Firmware>?
  /// In their order, each once.
  var boot: Located<[BootSource]>?
  /// Bytes of `disk`.
  var emptyDisk: Located<Int>?
  var ready: ReadyDraft?
  /// The node has `ready` itself, rather than from a profile or `defaults`.
  var isReadyOwn = false
  var after: [StartDraft] = []
  /// What `defaults` says of it; what a node says is in the node's draft.
  var setup = SetupDraft()
}

/// The key `image`.
enum ImageDraft {
  /// The tiny Linux that ships with Apus; also what a machine runs that names no image.
  case builtin
  case file(ImageFileDraft)
  /// The machine begins with an empty disk, or without one.
  case none
  /// It was wrong, which was reported.
  case unusable
}

/// An image that is a file.
struct ImageFileDraft {
  /// As written.
  var name: Located<String>
  var format: Located<DiskDefinition.Format>?
  /// 64 lower-case hexadecimal digits.
  var sha256: Located<String>?
  /// Of an appliance: which of its systems, in which configuration, with which properties.
  var system: Located<String>?
  var configuration: Located<String>?
  var properties: [(key: Located<String>, value: String)] = []
}

/// What a node has of its appliance.
struct ApplianceDraft {
  var machine: ApplianceMachine
  /// With the file's own values.
  var properties: [ApplianceProperty]?
  /// Where the image is named.
  var span: Span
}

/// The key `cloud-init`: its documents as written, each a path or a text of several lines.
struct CloudInitDraft {
  var span: Span
  var userData: Located<String>?
  var metaData: Located<String>?
  var networkConfig: Located<String>?

  /// The documents that are there, with their keys.
  var documents: [(key: String, text: Located<String>)] {
    [("user-data", userData), ("meta-data", metaData), ("network-config", networkConfig)].compactMap { key, text in
      text.map { (key, $0) }
    }
  }
}

/// The key `ready`.
struct ReadyDraft {
  var definition: ReadyDefinition
  /// Where the port of `tcp` stands.
  var tcp: Span?
}

/// An entry of `after`.
struct StartDraft {
  var node: EndDraft
  var state: StartCondition.State
}
