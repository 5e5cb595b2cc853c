import Foundation
import Testing

extension RealThings {
  /// The labs that ship: each brings its tests, which pass.
  @Suite struct Topologies {
    private static let files: [String] = {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(projectRoot)/topologies")) ?? []
      return names.filter { $0.hasSuffix(".lab.yaml") }.sorted()
    }()

    @Test func thereAreSome() {
      #expect(Self.files.count >= 7, "\(Self.files)")
    }

    @Test(.timeLimit(.minutes(4)), arguments: files) func testsPass(_ name: String) async throws {
      try await Sandbox.use { sandbox in
        let junit = "\(sandbox.folder)/junit.xml"
        let outcome = try await sandbox.apus(
          "test", "\(projectRoot)/topologies/\(name)", "--junit", junit, within: 220)
        #expect(outcome.status == 0, "\(outcome)")
        #expect(text(of: junit)?.contains("failures=\"0\"") == true)
        #expect(try await sandbox.apus("ps", "-j").output.filter { !$0.isWhitespace } == "[]")
      }
    }
  }
}
