import Importing
import Topology

/// What an import of some files made, in words that tests can compare.
struct Imported {
  let text: String
  let lab: CanonicalLab
  let notes: [ImportNote]

  /// Imports files of a folder.
  ///
  /// - Parameter named: the file that is named; nil = the folder is.
  init(
    _ contents: [String: String], named: String? = nil, from: String? = nil, kind: ForeignNode.Kind? = nil,
    environment: [String: String] = [:]
  ) throws {
    let files = ForeignFiles.folder(contents, named: named, environment: environment)
    let outcome = try Importer.run(files, from: from, options: ImportOptions(hostKind: kind), hasImage: { _ in false })
    (text, lab, notes) = (outcome.file.text, outcome.file.lab, outcome.file.notes)
  }

  var nodes: [String] { lab.nodes.map(\.name) }
  /// Ends of the wires, each sorted.
  var wires: [String] {
    lab.links.filter { if case .wire = $0.kind { true } else { false } }
      .map { $0.ends.map(\.text).sorted().joined(separator: " ") }.sorted()
  }
  /// `switch: node:nic node:nic`, one for each.
  var switches: [String] {
    lab.switches.map { known in
      let members = lab.nodes.flatMap { node in
        node.nics.filter { if case .switchPort(known.name, _) = $0.attachment { true } else { false } }
          .map { "\(node.name):\($0.name)" }
      }
      return "\(known.name): \(members.sorted().joined(separator: " "))"
    }
  }
  /// `node:nic address`, in order.
  var addresses: [String] {
    lab.nodes.flatMap { node in
      node.nics.flatMap { nic in nic.addresses.map { "\(node.name):\(nic.name) \($0.address)" } }
    }
  }
  func nics(_ node: String) -> [String] { lab.nodes.first { $0.name == node }?.nics.map(\.name) ?? [] }
  /// `line: outcome: key`, of what was lost.
  var lost: [String] { notes.filter { $0.outcome == .lost }.map { "\($0.line ?? 0) \($0.key)" } }

  /// Lines and words of why nothing could be made of files.
  static func faults(_ contents: [String: String], named: String? = nil, from: String? = nil) -> [String] {
    do {
      let imported = try Imported(contents, named: named, from: from)
      return ["imported: \(imported.text)"]
    } catch let error as ImportFaults {
      return error.faults.map { "\($0.line ?? 0) \($0.message)" }
    } catch {
      return ["\(error)"]
    }
  }
}

extension ForeignFiles {
  static func folder(
    _ contents: [String: String], named: String? = nil, environment: [String: String] = [:]
  ) -> ForeignFiles {
    let paths = contents.keys.sorted()
    return ForeignFiles(
      roots: [named ?? "lab"], folderName: "lab", environment: environment, paths: paths,
      named: named.map { [$0] } ?? paths
    ) { (path: String) throws(ImportFault) -> String? in contents[path] }
  }
}
