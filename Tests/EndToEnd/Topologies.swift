import Foundation
import Testing

extension RealThings {
  /// The labs that ship: each brings its tests, which pass.
  @Suite struct Topologies {
    private static let files: [String] = {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(projectRoot)/topologies")) ?? []
      return names.filter { $0.hasSuffix(".lab.yaml") }.sorted()
    }()

    @Test func thereAreTen() {
      #expect(Self.files.count >= 10, "\(Self.files)")
    }

    /// Images that labs name, built once and kept with what else is built.
    private static func provideImages(_ lab: String, _ sandbox: Sandbox) async throws {
      let file = text(of: "\(projectRoot)/topologies/\(lab)") ?? ""
      if file.contains("image: localhost/apus-busybox") { try await sandbox.makeContainerImage() }
      guard file.contains("image: debian-12.qcow2") else { return }
      let (folder, name) = ("\(projectRoot)/.build/images", "debian-12.qcow2")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let outcome = try await execute(["\(projectRoot)/tools/debian-image", "\(folder)/\(name)"], within: 900)
      guard outcome.status == 0 else { throw Failure("\(outcome)") }
      try FileManager.default.createDirectory(atPath: "\(sandbox.data)/images", withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(
        atPath: "\(sandbox.data)/images/\(name)", withDestinationPath: "\(folder)/\(name)")
    }

    @Test(.timeLimit(.minutes(35)), arguments: files) func testsPass(_ name: String) async throws {
      try await Sandbox.use { sandbox in
        try await Self.provideImages(name, sandbox)
        let junit = "\(sandbox.folder)/junit.xml"
        let outcome = try await sandbox.apus(
          "test", "\(projectRoot)/topologies/\(name)", "--junit", junit, within: 900)
        #expect(outcome.status == 0, "\(outcome)")
        #expect(text(of: junit)?.contains("failures=\"0\"") == true)
        #expect(try await sandbox.apus("ps", "-j").output.filter { !$0.isWhitespace } == "[]")
      }
    }

    /// A lab that changes: each step is the same file with other values, and its tests pass.
    @Test(.timeLimit(.minutes(12))) func officeGrows() async throws {
      try await Sandbox.use { sandbox in
        let (file, lab) = ("\(projectRoot)/topologies/growing-office.lab.yaml", "growing-office")
        func step(_ values: [String: String], _ plan: [String]) async throws {
          let environment = sandbox.environment.merging(values) { $1 }
          let outcome = try await execute([sandbox.binary, "up", file], environment: environment, within: 180)
          #expect(outcome.status == 0, "\(outcome)")
          for line in plan { #expect(outcome.output.contains(line), "\(outcome)") }
          let tests = try await execute([sandbox.binary, "test", file], environment: environment, within: 180)
          #expect(tests.status == 0, "\(tests)")
        }
        try await step([:], ["create  node desk2", "create  node printer"])
        let pid = try #require(try await sandbox.nodes(lab).first { $0.node == "printer" }?.pid)
        try await sandbox.pings("visitor", "10.0.10.200", lab: lab)
        try await step(["DESKS": "4"], ["create  node desk3", "create  node desk4"])
        try await step(["DESKS": "4", "GUESTS": "20"], ["change  node visitor"])
        let cut = try await sandbox.apus(
          "exec", "--lab", lab, "visitor", "--", "ping", "-c", "1", "-W", "1", "10.0.10.200")
        #expect(cut.status != 0)
        try await step(["DESKS": "4", "GUESTS": "20", "LINE": "dsl"], ["change  link stairs"])
        try await step(["DESKS": "2", "GUESTS": "20", "LINE": "dsl"], ["remove  node desk4"])
        #expect(try await sandbox.nodes(lab).first { $0.node == "printer" }?.pid == pid)
      }
    }
  }
}
