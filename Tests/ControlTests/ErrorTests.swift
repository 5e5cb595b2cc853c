import Dataplane
import Lab
import Testing
import Topology

@testable import Control

/// Errors keep their exit code over the socket.
@Suite struct ErrorTests {
  @Test(arguments: [
    (UserError(.failed, "a"), 500), (UserError(.badInput, "a"), 400), (UserError(.different, "a"), 409),
    (UserError(.notFound, "a"), 404), (UserError(.unreachable, "a", hint: "b"), 503),
  ])
  func codeHasItsStatus(_ error: UserError, _ status: Int) throws {
    let body = ErrorBody(error)
    #expect(body.status == status)
    #expect(body.userError == error)
    #expect(try JSON.decode(ErrorBody.self, from: JSON.bytes(body)) == body)
  }

  @Test func errorsOfTheDataPlaneHaveCodes() {
    #expect(UserError(any: DataplaneError.unknownPort("a.b")).code == .notFound)
    #expect(UserError(any: DataplaneError.unknownSwitch("s")).code == .notFound)
    #expect(UserError(any: DataplaneError.nameTaken("s")).code == .badInput)
    #expect(UserError(any: DataplaneError.invalid("mtu 3")) == UserError(.badInput, "mtu 3"))
    #expect(UserError(any: DataplaneError.host("open: EPERM")) == UserError(.failed, "open: EPERM"))
    #expect(UserError(any: CancellationError()) == UserError(.failed, "interrupted"))
  }

  @Test(arguments: [(Int32(0), ExitCode.done), (64, .badInput), (1, .failed), (70, .failed), (3, .different)])
  func parserCodesBecomeOurs(_ parser: Int32, _ code: ExitCode) {
    #expect(ExitStatus.mapping(parser: parser) == code)
  }

  private func failure(
    _ lab: FixedLab, _ body: @escaping (ControlClient) async throws -> Void
  ) async throws -> UserError? {
    var failure: UserError?
    try await ServerFixture.run(lab) { client, _ in
      do { try await body(client) } catch let error as UserError { failure = error }
    }
    return failure
  }

  @Test func unknownPortListsThePorts() async throws {
    let error = try await failure(FixedLab()) { _ = try await $0.ask(API.port, of: "vm9.eth0") }
    #expect(error == UserError(.notFound, "no port \"vm9.eth0\"", hint: "ports: sw1:core, tap.a, vm1.eth0"))
  }

  @Test func unknownSwitchListsTheSwitches() async throws {
    let error = try await failure(FixedLab()) {
      _ = try await $0.ask(API.fdb, query: FDBQuery(switchName: "sw 9"))
    }
    #expect(error == UserError(.notFound, "no switch \"sw 9\"", hint: "switches: sw1"))
  }

  @Test(arguments: ["0", "4095", "red", "-1"])
  func flushWantsAVLANNumber(_ text: String) async throws {
    let lab = FixedLab()
    let error = try await failure(lab) { try await $0.exchange(.delete, "/v1/fdb?vlan=\(text)", .whole([])) { _ in } }
    #expect(error == UserError(.badInput, "vlan must be a whole number from 1 to 4094, found \"\(text)\""))
    #expect(await lab.flushes.isEmpty)
  }

  @Test func unknownNodeIsNotFound() async throws {
    let error = try await failure(FixedLab()) { client in
      let request = ExecuteRequest(command: ["x"])
      try await client.stream(API.exec, of: "vm9", .whole(try JSON.bytes(request))) { _ in }
    }
    #expect(error?.code == .notFound)
    #expect(error?.hint == "nodes: vm1, tap")
  }

  @Test func unknownPathIsNotFound() async throws {
    let error = try await failure(FixedLab()) { try await $0.exchange(.get, "/v1/nothing", .whole([])) { _ in } }
    #expect(error == UserError(.notFound, "no resource GET /v1/nothing", hint: VersionMismatch.hint))
  }

  /// The daemon's own hint is for who writes paths and keys; who gives commands is told of versions too.
  @Test func aHintOfTheDaemonIsKept() async throws {
    let error = try await failure(FixedLab()) { try await $0.exchange(.get, "/v1/capture", .whole([])) { _ in } }
    #expect(
      error
        == UserError(.notFound, "no resource GET /v1/capture", hint: "that path takes POST; \(VersionMismatch.hint)"))
    let key = try await failure(FixedLab()) { try await $0.exchange(.get, "/v1/fdb?new=1", .whole([])) { _ in } }
    #expect(key == UserError(.badInput, "unknown query key \"new\"", hint: "known: switch; \(VersionMismatch.hint)"))
  }

  @Test func withoutALabThereIsNothingToAsk() async throws {
    let error = try await failure(FixedLab(current: nil)) {
      _ = try await $0.ask(API.lab)
    }
    #expect(error == UserError(.notFound, "no lab is up", hint: "`apus up FILE` brings one up"))
  }

  @Test func aBodyThatIsNoLabIsBadInput() async throws {
    let error = try await failure(FixedLab()) { client in
      try await client.exchange(.put, "/v1/lab", .whole(try JSON.bytes(["a": 1]))) { _ in }
    }
    #expect(error?.code == .badInput)
    #expect(error?.message.hasPrefix("the body is not the JSON that /v1/lab takes") == true)
  }

  @Test func aBodyWithoutEndIsRefused() async throws {
    let error = try await failure(FixedLab()) { client in
      let request = ExecuteRequest(command: [String(repeating: "a", count: 17 << 20)])
      try await client.stream(API.exec, of: "vm1", .whole(try JSON.bytes(request))) { _ in }
    }
    #expect(error == UserError(.badInput, "the body is over 16777216 bytes"))
  }

  @Test func anEmptyCommandIsBadInput() async throws {
    let error = try await failure(FixedLab()) { client in
      let request = ExecuteRequest(command: [])
      try await client.stream(API.exec, of: "vm1", .whole(try JSON.bytes(request))) { _ in }
    }
    #expect(error?.code == .badInput)
    #expect(error?.message.hasSuffix("command must be a list of 1 or more") == true, "\(error?.message ?? "")")
  }

  @Test func nobodyThereIsUnreachable() async throws {
    let client = ControlClient(socket: "/tmp/apus-control-nobody.sock")
    let error = await #expect(throws: UserError.self) {
      _ = try await client.ask(API.version)
    }
    #expect(error?.code == .unreachable)
    #expect(error?.hint?.contains("apus up FILE") == true)
  }

  @Test func aSocketPathTooLongIsRefused() async throws {
    let path = "/tmp/" + String(repeating: "x", count: 103)
    let server = ControlServer(service: FixedLab(), socket: path, onEnd: { _ in })
    let error = await #expect(throws: UserError.self) { try await server.run() }
    #expect(error?.message == "the control socket's path has 108 bytes, at most 107 are possible: \(path)")
  }
}
