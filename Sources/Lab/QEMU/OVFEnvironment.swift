import LinuxHost
import Topology

/// What a guest from an appliance is told: the OVF environment (DSP0243, section 11), on a CD as its transport `iso` has it.
struct OVFEnvironment: Sendable, Equatable {
  static let file = "ovf-env.xml"
  var properties: [ApplianceProperty]
  /// Name of the machine.
  var node: String

  var text: String {
    var lines = [
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
      "<Environment xmlns=\"http://schemas.dmtf.org/ovf/environment/1\" "
        + "xmlns:oe=\"http://schemas.dmtf.org/ovf/environment/1\" oe:id=\"\(Self.escaped(node))\">",
      "  <PlatformSection>", "    <Kind>Apus</Kind>", "    <Vendor>Apus</Vendor>", "    <Locale>en</Locale>",
      "  </PlatformSection>", "  <PropertySection>",
    ]
    lines += properties.map {
      "    <Property oe:key=\"\(Self.escaped($0.key))\" oe:value=\"\(Self.escaped($0.value))\"/>"
    }
    return (lines + ["  </PropertySection>", "</Environment>", ""]).joined(separator: "\n")
  }

  /// Writes the CD into a node's folder.
  func write(_ paths: NodePaths, _ variables: [String: String]) async throws(UserError) {
    let folder = try LabFolders.makeData(paths)
    let name = NodeFile.environmentFiles.rawValue
    let disc = folder.path(of: NodeFile.environment.rawValue)
    do throws(SystemError) {
      try folder.makeFolder(name, mode: LabFolders.ownMode)
      try folder.folder(name).write(Self.file, Array(text.utf8), mode: LabFolders.fileMode)
      // Written anew, not into what is there.
      try folder.remove(NodeFile.environment.rawValue)
    } catch {
      throw UserError(.failed, "cannot write \(disc): \(SystemError.text(of: error.code))")
    }
    defer {
      if let inner = try? folder.folder(name) { _ = try? inner.remove(Self.file) }
      _ = try? folder.removeFolder(name)
    }
    let arguments = ["-quiet", "-output", disc, "-volid", "OVF ENV", "-joliet", "-rock", folder.path(of: name)]
    _ = try await HostTool.run("genisoimage", arguments, package: "genisoimage", variables)
  }

  private static func escaped(_ text: String) -> String {
    text.unicodeScalars.map { scalar in
      switch scalar {
      case "&": "&amp;"
      case "<": "&lt;"
      case ">": "&gt;"
      case "\"": "&quot;"
      case "\n": "&#10;"
      case "\t": "&#9;"
      case _ where scalar.value < 0x20: ""
      default: String(Character(scalar))
      }
    }.joined()
  }
}
