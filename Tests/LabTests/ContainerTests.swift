import FoundationEssentials
import LinuxHost
import Testing
import Topology

@testable import Lab

/// Containers as far as no engine is needed: a script plays it.
@Suite(.timeLimit(.minutes(2))) struct ContainerTests {
  /// Calls `body` with a podman whose answers are these lines of shell.
  private func withEngine(_ script: String, _ body: (ContainerEngine) async throws -> Void) async throws {
    try await withTemporaryDirectories { directories in
      try Files.makeDirectory(directories.dataRoot)
      let path = "\(directories.dataRoot)/podman"
      try Data("#!/bin/sh\n\(script)\n".utf8).write(to: URL(filePath: path))
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
      try await body(ContainerEngine(.podman, ["PATH": directories.dataRoot]))
    }
  }

  @Test func statesAreRead() async throws {
    let answer =
      #"[{"Name": "/web", "State": {"Status": "running", "Pid": 77, "ExitCode": 0}, "Config": {"Labels": {"a": "b"}}}]"#
    try await withEngine("echo '\(answer)'") { engine in
      let state = try #require(try await engine.state(of: "web"))
      #expect(state.isRunning && state.hasProcess && state.pid == 77 && state.labels == ["a": "b"])
    }
    let made = #"[{"State": {"Status": "initialized", "Pid": 7, "ExitCode": 0}, "Config": {"Labels": null}}]"#
    try await withEngine("echo '\(made)'") { engine in
      let state = try #require(try await engine.state(of: "web"))
      #expect(!state.isRunning && state.hasProcess && state.labels.isEmpty)
    }
    try await withEngine("echo '[]'; echo 'Error: no such container web' >&2; exit 125") { engine in
      let state = try await engine.state(of: "web")
      #expect(state == nil)
    }
  }

  @Test func anEngineWithoutADaemonKnowsNothing() async throws {
    let words = "dial unix /var/run/docker.sock: connect: no such file or directory"
    try await withEngine("echo '\(words)' >&2; exit 1") { engine in
      await #expect(throws: UserError.self) { try await engine.state(of: "web") }
      await #expect(throws: UserError.self) { try await engine.hasImage("web") }
    }
    try await withEngine("echo 'Error: inspecting object: web: image not known' >&2; exit 125") { engine in
      let isThere = try await engine.hasImage("web")
      #expect(!isThere)
    }
  }

  @Test func endOfALongLogIsKept() async throws {
    try await withEngine("/usr/bin/head -c 5000000 /dev/zero; echo ready") { engine in
      let said = try await engine.said(["logs", "web"])
      #expect(said.utf8.count == 1 << 20 && said.hasSuffix("ready\n"))
    }
  }

  @Test func itsOwnWordsAreInErrors() async throws {
    try await withEngine("echo first >&2; printf 'Error: \\033[1mno space\\n' >&2; exit 125") { engine in
      let error = await #expect(throws: UserError.self) { try await engine.run(["create", "--name", "web"]) }
      #expect(error?.message == "podman create: first | Error: ^[[1mno space")
      let other = await #expect(throws: UserError.self) { try await engine.state(of: "web") }
      #expect(other?.message.hasPrefix("podman container inspect: ") == true)
    }
    try await withEngine("exit 3") { engine in
      let error = await #expect(throws: UserError.self) { try await engine.run(["ps"]) }
      #expect(error?.message == "podman ps: status 3")
    }
    try await withEngine("echo nonsense") { engine in
      await #expect(throws: UserError.self) { try await engine.state(of: "web") }
    }
    let none = ContainerEngine(.docker, ["PATH": "/nowhere"])
    let error = await #expect(throws: UserError.self) { try await none.run(["ps"]) }
    #expect(error == none.missing && error?.hint?.contains("docker.io") == true)
  }

  @Test func oneThatHangsIsEnded() async throws {
    try await withEngine("exec /bin/sleep 1000") { engine in
      let error = await #expect(throws: UserError.self) { try await engine.run(["stop", "web"], limit: 0.2) }
      #expect(error?.message == "podman stop took longer than 0 s and was ended")
    }
  }

  @Test func localImagesAreNotLookedForElsewhere() async throws {
    try await withEngine("test $1 = image || exit 99; echo 'Error: no such image' >&2; exit 125") { engine in
      let error = await #expect(throws: UserError.self) {
        try await ContainerImage.fetch("localhost/web", engine) { _ in }
      }
      #expect(error?.message == "image localhost/web is not on this host")
      let other = await #expect(throws: UserError.self) { try await ContainerImage.fetch("web", engine) { _ in } }
      #expect(other?.message.contains("cannot be loaded: podman pull") == true)
    }
  }

  @Test func hostsAreAllNodesAndStayTheSameFile() throws {
    try withTemporaryDirectories { directories in
      var lab = CanonicalLab(name: "l")
      lab.nodes = [node("a", "container", [nic(addresses: ["10.0.0.1/24", "fd00::1/64"])]), node("b", "netns")]
      try LabFolders.make("l", in: directories)
      let paths = NodePaths(directories: directories, lab: "l", node: "a")
      try HostsFile.write(lab, paths)
      let first = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n10.0.0.1 a a.l\nfd00::1 a a.l\n"
      #expect(Files.read(paths.hosts) == Array(first.utf8))
      let before = try FileManager.default.attributesOfItem(atPath: paths.hosts)
      lab.nodes[1].nics = [nic(addresses: ["10.0.0.2/24"])]
      try HostsFile.write(lab, paths)
      #expect(Files.read(paths.hosts) == Array((first + "10.0.0.2 b b.l\n").utf8))
      let after = try FileManager.default.attributesOfItem(atPath: paths.hosts)
      #expect(before[.systemFileNumber] as? Int == after[.systemFileNumber] as? Int)
    }
  }

  @Test func changes() throws {
    var lab = CanonicalLab(name: "l")
    lab.switches = [SwitchDefinition(name: "sw1"), SwitchDefinition(name: "sw2")]
    lab.nodes = [node("a", "container", [nic()]), node("b", "container", [nic(mac: "02:00:00:00:00:02")])]
    (lab.nodes[0].image, lab.nodes[0].container) = ("web", ContainerDefinition())
    lab.nodes[1].container = ContainerDefinition()
    lab.nodes[1].container?.attach = "db"
    func change(_ edit: (inout CanonicalLab) -> Void) throws -> LabDifference {
      var other = lab
      edit(&other)
      return try LabDifference(from: lab, to: other)
    }
    // What is outside of it changes while it runs, its addresses do not.
    let moved = try change { $0.nodes[0].nics[0].attachment = .switchPort(switch: "sw2", mode: .access(1)) }
    #expect(moved.changedNodes == ["a": .ports(["eth0"])])
    let told = try change { $0.nodes[0].container?.command = ["top"] }
    #expect(told.changedNodes == ["a": .restart])
    #expect(told.restarts.first?.detail == "container, image web, another command, environment or engine")
    let addressed = try change { $0.nodes[1].nics[0].addresses = [AddressDefinition(address: "10.0.0.1/24")] }
    #expect(addressed.changedNodes == ["b": .anew], "it is not ours to start again")
  }

  @Test func labsFromElsewhereHaveNoOptionsForNames() {
    var lab = CanonicalLab(name: "l")
    lab.nodes = [node("a", "container")]
    lab.nodes[0].container = ContainerDefinition()
    for image in ["--privileged", "", "a b"] {
      lab.nodes[0].image = image
      #expect(lab.whatNoFileHas?.contains("is no name of an image") == true)
    }
    lab.nodes[0].image = "web"
    #expect(lab.whatNoFileHas == nil)
    lab.nodes[0].container?.env = ["A=B": "c"]
    #expect(lab.whatNoFileHas?.contains("is no name of a variable") == true)
    lab.nodes[0].container?.attach = "-v"
    #expect(lab.whatNoFileHas?.contains("is no name of a container") == true)
  }
}
