import Foundation
import TestSupport
import Testing
import Topology

@testable import Lab
@testable import LinuxHost

/// Folders of saved labs as plain files: what is refused, and what is left of one that was not finished.
@Suite struct SavedLabTests {
  private static func lab(_ change: (inout CanonicalLab) -> Void = { _ in }) -> CanonicalLab {
    var lab = CanonicalLab(name: "two")
    lab.switches = [SwitchDefinition(name: "sw1")]
    var machine = NodeDefinition(name: "vm1", kind: "vm")
    machine.image = "/srv/labs/a.qcow2"
    machine.disk = DiskDefinition(format: .qcow2)
    lab.nodes = [machine, NodeDefinition(name: "n1", kind: "netns")]
    (lab.directory, lab.source) = ("/srv/labs", "/srv/labs/two.lab.yaml")
    change(&lab)
    return lab
  }

  private static func differences(_ change: (inout CanonicalLab) -> Void) throws -> [String] {
    try LabComparison.differences(
      LabComparison.Side(lab: lab(), dataRoot: "/var/lib/apus"),
      LabComparison.Side(lab: lab(change), dataRoot: "/home/me/data"))
  }

  @Test func whereFilesLieMakesNoOtherLab() throws {
    let moved = try Self.differences { lab in
      (lab.directory, lab.source) = ("/home/me", "/home/me/copy.yaml")
      lab.nodes[0].image = "/home/me/data/images/a.qcow2"
    }
    #expect(moved == [])
    let folders = [(folder: "/srv/labs", word: ".")]
    #expect(PlainValue.text("/srv/labs").replacing(folders) == .text("."))
    #expect(PlainValue.text("/srv/labs2").replacing(folders) == .text("/srv/labs2"))
  }

  @Test func whatDiffersIsNamed() throws {
    #expect(
      try Self.differences { $0.nodes[0].memory = 1 << 30 } == ["nodes.vm1.memory: saved 134217728, now 1073741824"])
    #expect(try Self.differences { $0.nodes.removeLast() } == ["nodes.n1: saved \"n1\", now nothing"])
    #expect(try Self.differences { $0.nodes.swapAt(0, 1) } == ["nodes: in another order"])
    #expect(try Self.differences { $0.switches[0].aging = 10 } == ["switches.sw1.aging: saved 300, now 10"])
    #expect(try Self.differences { $0.nodes[1].kind = "tap" } == ["nodes.n1.kind: saved \"netns\", now \"tap\""])
    let many = try Self.differences { lab in
      for number in 0..<9 { lab.nodes.append(NodeDefinition(name: "x\(number)", kind: "netns")) }
    }
    #expect(many.count == 6 && many.last == "and 4 more")
  }

  @Test func unfinishedFolderIsFoundAndRemoved() throws {
    try withTemporaryDirectories { directories in
      try LabFolders.make("two", in: directories)
      let path = "\(directories.dataRoot)/saved"
      let save = try UnfinishedSave(at: path, of: "two", in: directories, [:])
      try save.write([1, 2, 3], as: "vm1.memory")
      #expect(UnfinishedSave.isNoted("two", in: directories))
      #expect(!Files.exists(path) && Files.exists(save.folder.path))
      #expect(UnfinishedSave.removeRemains(of: "two", in: directories) == save.folder.path)
      #expect(!Files.exists(save.folder.path))
      #expect(!UnfinishedSave.isNoted("two", in: directories))
      #expect(UnfinishedSave.removeRemains(of: "two", in: directories) == nil)
    }
  }

  /// A note that was altered leads to nobody else's files.
  @Test func onlyAFolderWithTheMarkIsRemoved() throws {
    try withTemporaryDirectories { directories in
      try LabFolders.make("two", in: directories)
      let other = "\(directories.dataRoot)/.mine.1.new"
      try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
      try Data([1]).write(to: URL(filePath: "\(other)/file"))
      let state = try LabFolders.state(of: "two", in: directories)
      try Files.write(Array("{\"folder\":\"\(other)\"}".utf8), as: LabFile.saving.rawValue, in: state)
      #expect(UnfinishedSave.removeRemains(of: "two", in: directories) == nil)
      #expect(Files.exists("\(other)/file"))
    }
  }

  /// A daemon that dies while its lab goes on leaves a note of it, and the saved folder as it is.
  @Test func labThatIsAboutToGoOnIsNoted() throws {
    try withTemporaryDirectories { directories in
      try LabFolders.make("two", in: directories)
      #expect(UnfinishedSave.goingOn("two", in: directories) == nil)
      try UnfinishedSave.noteGoingOn(from: "/srv/.monday.new", of: "two", in: directories)
      #expect(UnfinishedSave.goingOn("two", in: directories) == "/srv/.monday.new")
      #expect(UnfinishedSave.removeRemains(of: "two", in: directories) == nil)
      #expect(UnfinishedSave.goingOn("two", in: directories) == nil)
    }
  }

  /// Also one without machines: of its namespaces some are as they were saved, and others are not.
  @Test func labThatWasAboutToGoOnIsNotBroughtUp() async throws {
    try await withTemporaryDirectories { directories in
      try LabFolders.make("two", in: directories)
      try UnfinishedSave.noteGoingOn(from: "/srv/monday", of: "two", in: directories)
      let lab = Self.lab { $0.nodes.removeFirst() }
      let runtime = LabRuntime(directories: directories)
      let error = await #expect(throws: UserError.self) { _ = try await runtime.bringUp(lab) { _ in } }
      #expect(error?.message.contains("was about to go on from /srv/monday when its daemon died") ?? false)
      #expect(error?.code == .failed)
      #expect(UnfinishedSave.goingOn("two", in: directories) == "/srv/monday")
      var options = BringUpOptions()
      (options.from, options.isReset) = ("/srv/monday", true)
      let both = options
      let other = await #expect(throws: UserError.self) {
        _ = try await runtime.bringUp(lab, options: both) { _ in }
      }
      #expect(other?.code == .badInput)
    }
  }

  // MARK: - Layers of disks

  /// A QEMU of which the test says what it answers, and where its disks would be.
  private static func withQEMU(
    _ body: (QEMUMonitor, LineConnection, NodePaths) async throws -> Void
  ) async throws {
    try await withMonitor { monitor, qemu, directories in
      let paths = NodePaths(directories: directories, lab: "two", node: "vm1")
      try LabFolders.makeData(paths)
      try await body(monitor, qemu, paths)
    }
  }

  private static func merge(_ layers: DiskLayers, _ monitor: QEMUMonitor) async throws(UserError) {
    try await layers.merge(monitor) { (body) throws(UserError) in try await body() }
  }

  /// Of two one would take back what the other has finished.
  @Test func layersAreWrittenBackByOneAtATime() async throws {
    try await Self.withQEMU { monitor, qemu, paths in
      let layers = DiskLayers(paths: paths, count: 1)
      async let first: Void = Self.merge(layers, monitor)
      #expect(await qemu.next() == #"{"execute":"query-block","id":1}"#)
      let error = await #expect(throws: UserError.self) { try await Self.merge(layers, monitor) }
      #expect(error?.message.contains("already") ?? false)
      qemu.send(#"{"return": [], "id": 1}"#)
      try await first
    }
  }

  /// A daemon that died between the two names of a layer: the machine has it still.
  @Test func layerThatIsInUseGetsItsNameBack() async throws {
    try await Self.withQEMU { monitor, qemu, paths in
      let layers = DiskLayers(paths: paths, count: 1)
      let layer = "\(paths.dataDirectory)/\(DiskFiles().layer)"
      let merged = "\(paths.dataDirectory)/\(DiskFiles().mergedLayer)"
      try Files.write([1], to: merged)
      // One that QEMU has let go of stays as it is.
      for (file, isBack) in [("/other.qcow2", false), (layer, true)] {
        async let recalled: Void = layers.recall(monitor)
        _ = await qemu.next()
        let id = isBack ? 2 : 1
        qemu.send(#"{"return": [{"device": "disk", "inserted": {"file": "\#(file)"}}], "id": \#(id)}"#)
        try await recalled
        #expect(Files.exists(layer) == isBack && Files.exists(merged) == !isBack)
      }
    }
  }

  @Test func placesThatCannotBeAreRefused() throws {
    try withTemporaryDirectories { directories in
      try LabFolders.make("two", in: directories)
      let folder = directories.dataRoot
      for (path, words) in [
        (folder, "is there already"), ("\(folder)/no/such", "No such file"), ("/", "is no place"),
        ("\(folder)/..", "is no place"), ("\(folder)/\(String(repeating: "a", count: 201))", "at most 200"),
      ] {
        let error = #expect(throws: UserError.self) {
          _ = try UnfinishedSave(at: path, of: "two", in: directories, [:])
        }
        #expect(error?.message.contains(words) ?? false, "\(path): \(error?.message ?? "")")
        #expect(!UnfinishedSave.isNoted("two", in: directories))
      }
    }
  }

  @Test(arguments: [
    ("{", "cannot be read"), (#"{"format":2}"#, "has form 2, this apus reads form 1"),
    (#"{"format":1}"#, "cannot be read"), (#"{"format":-1}"#, "has form -1"),
    (#"{"format":1,"apus":"a","time":"","lab":"two","files":[{"name":"../a","size":1,"sha256":""}]}"#, "or no file"),
    (#"{"format":1,"apus":"a","time":"","lab":"two","files":[{"name":"a","size":1,"sha256":""}]}"#, "is missing"),
    (#"{"format":1,"apus":"a","time":"","lab":"two","files":[{"name":"b","size":9,"sha256":""}]}"#, "it was cut"),
    (#"{"format":1,"apus":"a","time":"","lab":"two","files":[{"name":"b","size":2,"sha256":""}]}"#, "altered"),
    (#"{"format":1,"apus":"a","time":"","lab":"two","files":[{"name":"b","size":3,"sha256":"00"}]}"#, "was altered"),
    (#"{"format":1,"apus":"a","time":"","lab":"two","files":[]}"#, "does not list lab.json"),
  ])
  func manifestsThatCannotBeAreRefused(_ text: String, _ words: String) async throws {
    let folder = try TemporaryDirectory()
    try Data([1, 2, 3]).write(to: URL(filePath: "\(folder.path)/b"))
    try Data(text.utf8).write(to: URL(filePath: "\(folder.path)/manifest.json"))
    let error = await #expect(throws: UserError.self) {
      _ = try await SavedFolder(folder.path, ProcessInfo.processInfo.environment)
    }
    #expect(error?.code == .badInput)
    #expect(error?.message.contains(words) ?? false, "\(error?.message ?? "")")
  }

  @Test func folderWithoutAManifestIsNoSavedLab() async throws {
    let folder = try TemporaryDirectory()
    let error = await #expect(throws: UserError.self) { _ = try await SavedFolder(folder.path, [:]) }
    #expect(error?.message.contains("is no saved lab") ?? false)
  }

  /// What a QEMU that died has left of a disk becomes one file again, with what was written last.
  @Test func layersOfDisksAreSettledWithoutQEMU() async throws {
    try await withTemporaryDirectories { directories in
      let paths = NodePaths(directories: directories, lab: "two", node: "vm1")
      try LabFolders.makeData(paths)
      let variables = ProcessInfo.processInfo.environment
      let (disk, layer) = (paths.disk(1), "\(paths.dataDirectory)/\(DiskFiles().layer)")
      func tool(_ name: String, _ words: String...) async throws -> String {
        try await HostTool.run(name, words, package: "qemu-utils", variables)
      }
      _ = try await tool("qemu-img", "create", "-q", "-f", "qcow2", disk, "1M")
      _ = try await tool("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", disk, layer)
      _ = try await tool("qemu-io", "-f", "qcow2", "-c", "write -P 7 512 512", layer)
      try Data().write(to: URL(filePath: "\(paths.dataDirectory)/\(DiskFiles().mergedLayer)"))
      let layers = DiskLayers(paths: paths, count: 1)
      #expect(layers.areThere)
      try await layers.settle(variables) { _ in }
      #expect(!layers.areThere)
      #expect(try await tool("qemu-io", "-f", "qcow2", "-c", "read -P 7 512 512", disk).contains("read 512/512"))
      // One over another disk is nobody's to throw away.
      let other = "\(paths.dataDirectory)/other.qcow2"
      _ = try await tool("qemu-img", "create", "-q", "-f", "qcow2", other, "1M")
      _ = try await tool("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", other, layer)
      await #expect(throws: UserError.self) { try await layers.settle(variables) { _ in } }
      #expect(layers.areThere)
      // One that QEMU had not made whole holds nothing.
      try Data([1, 2]).write(to: URL(filePath: layer))
      try await layers.settle(variables) { _ in }
      #expect(!layers.areThere && Files.exists(disk))
    }
  }

  @Test func placesOfNICsAreRead() throws {
    let text = """
      [{"bus":0,"devices":[{"qdev_id":"nic-eth0","slot":7,"function":0},{"qdev_id":"","slot":1,"function":3},
      {"qdev_id":"nic-eth1","slot":4,"function":1},{"slot":2}]}]
      """
    let places = MachineFacts.places(try JSONDecoder().decode(QMPValue.self, from: Data(text.utf8)))
    #expect(places == ["eth0": SavedNodes.Place(slot: 7, function: 0), "eth1": SavedNodes.Place(slot: 4, function: 1)])
  }
}
