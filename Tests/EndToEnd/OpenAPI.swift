import Foundation
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// `/openapi.json` against the daemon that serves it, by programs that know nothing of Apus.
  @Suite struct OpenAPI {
    private static let folder = "\(projectRoot)/tools/testing/openapi"
    private static let python = "\(projectRoot)/.build/python/bin"
    private static let token = "0123456789abcdefghijklmnopqrstuvwxyz012345"

    /// Seconds that schemathesis may take.
    ///
    /// It takes 30 as a rule. The limit of the test is larger than this and all other bounds together, so that what takes
    /// too long is said by the program's own output.
    private static let bound = 550.0

    /// Runs a program of Python's packages, in the folder of their settings.
    private static func run(_ line: String, within seconds: Double) async throws -> Outcome {
      try await execute(["/bin/sh", "-c", "cd '\(folder)' && PYTHONPATH=. \(line)"], within: seconds)
    }

    @Test(.timeLimit(.minutes(15))) func theDescriptionIsTrue() async throws {
      guard FileManager.default.isExecutableFile(atPath: "\(Self.python)/schemathesis") else {
        throw Failure("\(Self.python)/schemathesis is missing; tools/setup --tests installs it")
      }
      try await Sandbox.use { sandbox in
        let address = "127.0.0.1:\(try TCPClient.freePort())"
        let up = "APUS_HTTP_TOKEN=\(Self.token) '\(sandbox.binary)' up '\(Self.folder)/lab.yaml' --http \(address)"
        let outcome = try await execute(["/bin/sh", "-c", up], environment: sandbox.environment, within: 100)
        guard outcome.status == 0 else { throw Failure("\(outcome)") }
        let document = "\(sandbox.folder)/openapi.json"
        let fetch =
          "curl -sf -H 'Authorization: Bearer \(Self.token)' http://\(address)/openapi.json >'\(document)'"
        #expect(try await Self.run(fetch, within: 20).status == 0)
        let valid = try await Self.run("'\(Self.python)/python' -m openapi_spec_validator '\(document)'", within: 60)
        #expect(valid.status == 0, "\(valid)")
        let tried = try await Self.run(
          "'\(Self.python)/python' -c 'from schemathesis.cli import schemathesis; schemathesis()'"
            + " --config-file schemathesis.toml run http://\(address)/openapi.json --no-color"
            + " -H 'Authorization: Bearer \(Self.token)'", within: Self.bound)
        #expect(tried.status == 0, "\(tried)")
        // It is the same daemon, and the lab is as it was.
        #expect(try await sandbox.nodes("campus").map(\.node) == ["vm1", "ext"])
        let again = try await sandbox.apus("up", "\(Self.folder)/lab.yaml", expecting: 0)
        #expect(again.status == 0, "\(again)")
      }
    }
  }
}
