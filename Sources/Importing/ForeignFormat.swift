/// A format of another tool: reads its files into a `ForeignLab`.
///
/// To add one: a folder in `Formats/`, and one line in `ForeignFormats.all`.
package protocol ForeignFormat: Sendable {
  /// What `--from` calls it.
  var name: String { get }
  /// The tool, as its people write it.
  var tool: String { get }

  /// Whether the files look like this format, by their names and their beginnings; cheap, and never an error.
  func recognises(_ files: ForeignFiles) -> Bool

  /// Reads the files.
  ///
  /// What has no equal here is a note of the lab.
  /// - Throws: what is wrong with them, with places; nothing can be made of them then.
  func read(_ files: ForeignFiles, _ options: ImportOptions) throws(ImportFaults) -> ForeignLab
}

/// What the user asked of an import.
package struct ImportOptions: Sendable {
  /// Kind of nodes that are Linux hosts; nil = the format's own choice.
  package var hostKind: ForeignNode.Kind?
  /// Of an appliance: its deployment configuration; nil = its default.
  package var configuration: String?
  /// Bytes of memory that the host has, on which a lab file is to validate; nil = any host.
  package var hostMemory: UInt64?

  package init(hostKind: ForeignNode.Kind? = nil, configuration: String? = nil, hostMemory: UInt64? = nil) {
    self.hostKind = hostKind
    self.configuration = configuration
    self.hostMemory = hostMemory
  }
}
