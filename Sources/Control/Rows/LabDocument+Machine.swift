import Frames
import Lab
import Topology

extension LabDocument.Disk {
  var definition: DiskDefinition {
    var definition = DiskDefinition(format: format)
    definition.sha256 = sha256
    definition.persist = persist ?? false
    return definition
  }
}

extension LabDocument.Ready {
  var definition: ReadyDefinition {
    var definition = ReadyDefinition()
    (definition.console, definition.tcp) = (console, tcp)
    definition.agent = agent ?? false
    definition.timeout = timeout ?? definition.timeout
    return definition
  }
}

extension LabDocument.CloudInit {
  init(_ definition: CloudInitDefinition) {
    userData = definition.userData.map { Text($0) }
    metaData = definition.metaData.map { Text($0) }
    networkConfig = definition.networkConfig.map { Text($0) }
  }

  func definition(of node: String) throws(UserError) -> CloudInitDefinition {
    var definition = CloudInitDefinition()
    definition.userData = try userData?.document(of: node)
    definition.metaData = try metaData?.document(of: node)
    definition.networkConfig = try networkConfig?.document(of: node)
    return definition
  }
}

extension LabDocument.CloudInit.Text {
  init(_ document: CloudInitDefinition.Document) {
    switch document {
    case .file(let path): file = path
    case .text(let document): text = document
    }
  }

  func document(of node: String) throws(UserError) -> CloudInitDefinition.Document {
    switch (file, text) {
    case (let path?, nil): return .file(path)
    case (nil, let document?): return .text(document)
    default: throw UserError(.badInput, "node \(node): a document of cloud_init is either file or text")
    }
  }
}
