import Foundation
import Synchronization
import TestSupport
import Testing
import Topology

@testable import Lab

/// Where the API is served over TCP, as part of what an `up` makes true.
@Suite struct HTTPDoorTests {
  /// Notes what it is asked.
  private final class FixedDoor: HTTPDoor {
    private let state = Mutex<(said: [String], isTaken: Bool)>(([], false))
    var said: [String] { state.withLock { $0.said } }

    func refuse(_ isTaken: Bool) { state.withLock { $0.isTaken = isTaken } }

    func open(_ wanted: HTTPDefinition?, token: HTTPToken?) async throws(UserError) -> Bool {
      guard !state.withLock({ $0.isTaken }) else { throw UserError(.failed, "the address is taken") }
      state.withLock { $0.said.append("open \(wanted?.listen.description ?? "nothing")") }
      return token != nil
    }

    func settle(isKept: Bool) async { state.withLock { $0.said.append(isKept ? "kept" : "taken back") } }
  }

  private func lab(_ http: HTTPDefinition?) -> CanonicalLab {
    var lab = CanonicalLab(name: "htd-\(String(UInt32.random(in: 0..<46656 * 36), radix: 36))")
    lab.source = "/labs/x.lab.yaml"
    lab.switches = [SwitchDefinition(name: "sw1")]
    lab.http = http
    return lab
  }

  private func options(_ said: String?, isReset: Bool = false) -> BringUpOptions {
    var options = BringUpOptions()
    options.http = said.flatMap { HTTPOverride($0) }
    options.isReset = isReset
    return options
  }

  private func use(_ body: (LabDirectories) async throws -> Void) async throws {
    let folder = try TemporaryDirectory()
    try await body(LabDirectories(stateRoot: "\(folder.path)/s", dataRoot: "\(folder.path)/d"))
  }

  @Test func whatIsSaidAtRunTimeOutlivesUpsAndDaemons() async throws {
    try await use { directories in
      let door = FixedDoor()
      var lab = lab(HTTPDefinition())
      let first = LabRuntime(directories: directories, httpDoor: door)
      #expect(try await first.bringUp(lab) { _ in }.contains(PlanStep(.create, "http", "127.0.0.1:8080")))
      #expect(try await first.bringUp(lab) { _ in } == [])
      let said = try await first.bringUp(lab, options: options("127.0.0.1:9090")) { _ in }
      #expect(said == [PlanStep(.change, "http", "127.0.0.1:9090")])
      // The file may change under it.
      lab.http?.metrics = .open
      #expect(try await first.bringUp(lab) { _ in } == [PlanStep(.change, "http", "metrics open")])
      await first.detach()
      #expect(
        try LabPreview.steps(lab, directories: directories, isServing: true) == [
          PlanStep(.drift, "http", "127.0.0.1:9090")
        ])
      let second = LabRuntime(directories: directories, httpDoor: door)
      #expect(try await second.bringUp(lab) { _ in }.contains(PlanStep(.adopt, "http", "127.0.0.1:9090")))
      let reset = try await second.bringUp(lab, options: options(nil, isReset: true)) { _ in }
      #expect(reset == [PlanStep(.change, "http", "back to the file")])
      #expect(try await second.bringUp(lab, options: options("off")) { _ in } == [PlanStep(.change, "http", "off")])
      let opened = door.said.filter { $0.hasPrefix("open") }
      let (file, other) = ("open 127.0.0.1:8080", "open 127.0.0.1:9090")
      #expect(opened == [file, file, other, other, other, file, "open nothing"])
      #expect(!door.said.contains("taken back"))
      try await second.takeDown { _ in }
    }
  }

  @Test func anAddressThatIsTakenLeavesTheLabAsItWas() async throws {
    try await use { directories in
      let door = FixedDoor()
      let lab = lab(nil)
      let runtime = LabRuntime(directories: directories, httpDoor: door)
      _ = try await runtime.bringUp(lab) { _ in }
      var wanted = lab
      wanted.http = HTTPDefinition()
      wanted.switches.append(SwitchDefinition(name: "sw2"))
      door.refuse(true)
      let error = await #expect(throws: UserError.self) { try await runtime.bringUp(wanted) { _ in } }
      #expect(error?.message.contains("the address is taken") == true)
      #expect(await runtime.lab() == lab)
      #expect(RecordedLab.read(lab.name, in: directories) == lab)
      #expect(RunTimeState.read(lab.name, in: directories).http == nil)
      try await runtime.takeDown { _ in }
    }
  }

  @Test func aChangeThatFailsTakesItBack() async throws {
    try await use { directories in
      let door = FixedDoor()
      let lab = lab(nil)
      let runtime = LabRuntime(directories: directories, httpDoor: door)
      _ = try await runtime.bringUp(lab) { _ in }
      var other = lab
      other.workers.count = 2
      await #expect(throws: UserError.self) {
        try await runtime.bringUp(other, options: options("127.0.0.1:9090")) { _ in }
      }
      #expect(door.said == ["open nothing", "kept", "open 127.0.0.1:9090", "taken back"])
      #expect(RunTimeState.read(lab.name, in: directories).http == nil)
      try await runtime.takeDown { _ in }
    }
  }

  /// What an earlier version wrote down says nothing of it.
  @Test func olderStatesAreRead() throws {
    let text = #"{"links": {}, "stopped": [], "ports": [], "settings": {}, "stations": []}"#
    #expect(try JSONDecoder().decode(RunTimeState.self, from: Data(text.utf8)) == RunTimeState())
    #expect(HTTPOverride("somewhere") == nil)
    // As texts, in the words of the lab file and of `up --http`.
    let said = try JSONDecoder().decode([HTTPOverride].self, from: Data(#"["off","[::1]:9000"]"#.utf8))
    #expect(said == [.off, HTTPOverride("[::1]:9000")])
    #expect(String(decoding: try JSONEncoder().encode(said), as: UTF8.self) == #"["off","[::1]:9000"]"#)
    let address = try JSONDecoder().decode([HTTPAddress].self, from: Data(#"["127.0.0.1:80"]"#.utf8))
    #expect(address == [HTTPAddress("127.0.0.1:80")])
    for text in [#"["somewhere"]"#, "[1]", #"["1.2.3.4:0"]"#] {
      #expect(throws: DecodingError.self) { try JSONDecoder().decode([HTTPOverride].self, from: Data(text.utf8)) }
      #expect(throws: DecodingError.self) { try JSONDecoder().decode([HTTPAddress].self, from: Data(text.utf8)) }
    }
  }
}
