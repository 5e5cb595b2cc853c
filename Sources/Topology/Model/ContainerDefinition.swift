/// What a node of kind `container` is beside its NICs: a container that Apus makes, or one that somebody else has made.
package struct ContainerDefinition: Codable, Sendable, Equatable {
  /// Who runs containers on this host; the words are its program's name.
  package enum Engine: String, Codable, Sendable, CaseIterable { case podman, docker }

  /// When its daemon starts a container again that has ended by itself.
  package enum Restart: String, Codable, Sendable, CaseIterable {
    case no
    /// After an exit status other than 0.
    case onFailure = "on-failure"
    case always
  }

  package var engine = Engine.podman
  /// Name or id of a container that somebody else has made; nil = Apus makes it from the node's image.
  package var attach: String?
  /// The program and its arguments; nil = the image's own.
  package var command: [String]?
  /// Variables, by name.
  package var env: [String: String] = [:]
  package var restart = Restart.no

  package init() {}
}
