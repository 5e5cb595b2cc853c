import Capture
import Dataplane
import FoundationEssentials
import LinuxHost
import Logging
import Synchronization
import Testing
import Topology

@testable import Lab

/// Captures of a lab: their ids, their ports, and those that its file declares.
@Suite struct CaptureDeskTests {
  private func external(_ name: String, _ nics: [NICDefinition]) -> NodeDefinition { node(name, "external", nics) }

  private func wired(_ number: Int, _ link: String) -> NICDefinition {
    var nic = nic(mac: "02:00:00:00:00:0\(number)")
    nic.attachment = .wire(link: link)
    return nic
  }

  private func wire(_ name: String, _ a: String, _ b: String) -> LinkDefinition {
    LinkDefinition(name: name, kind: .wire, ends: [.nic(node: a, nic: "eth0"), .nic(node: b, nic: "eth0")])
  }

  private func lab() -> CanonicalLab {
    var lab = CanonicalLab(name: "aplc")
    lab.source = "/labs/x.lab.yaml"
    lab.switches = [SwitchDefinition(name: "sw1")]
    lab.nodes = [external("a", [wired(1, "w")]), external("b", [wired(2, "w")]), external("c", [nic()])]
    lab.links = [wire("w", "a", "b")]
    return lab
  }

  private func withLab(
    _ change: (inout CanonicalLab, String) -> Void = { _, _ in },
    _ body: (LabRuntime, CanonicalLab, LabDirectories) async throws -> Void
  ) async throws {
    try await withRunningLab(
      { directories in
        try Files.makeDirectory(directories.dataRoot)
        var lab = lab()
        change(&lab, directories.dataRoot)
        return lab
      }, body)
  }

  private func request(_ id: String?, _ targets: [String]) -> CaptureRequest {
    var request = CaptureRequest(targets)
    request.id = id
    return request
  }

  /// Also what the session alone has to know; a lab file's captures are of whole frames.
  @Test func framesAreCutWhereThatIsAskedFor() throws {
    var cut = request(nil, ["all"])
    cut.segments = true
    #expect(try cut.settings(linksOnly: false).segments)
    #expect(try !request(nil, ["all"]).settings(linksOnly: false).segments)
    let declared = CaptureRequest(CaptureDefinition(targets: [.all], file: "/tmp/a.pcapng"))
    #expect(try !declared.settings(linksOnly: false).segments)
  }

  /// Notes that it was closed.
  private final class Sink: CaptureSink {
    private let closed = Mutex(false)
    var isClosed: Bool { closed.withLock { $0 } }
    func write(_ blocks: [UInt8], isCancelled: () -> Bool) {}
    func close() { closed.withLock { $0 = true } }
  }

  private func ports(_ runtime: LabRuntime, _ id: String) async -> [String] {
    await runtime.captures.running().first { $0.id == id }?.status.ports.sorted() ?? []
  }

  @Test func twoCapturesNeverShareAnID() async throws {
    try await withLab { runtime, _, _ in
      for round in 0..<30 {
        let sinks = [Sink(), Sink()]
        let errors = await withTaskGroup(of: UserError?.self) { group in
          for sink in sinks {
            group.addTask {
              do {
                try await runtime.startCapture(self.request("x1", ["all"]), to: sink)
                return nil
              } catch {
                return error as? UserError
              }
            }
          }
          return await group.reduce(into: []) { $0 += [$1] }
        }
        let refused = errors.compactMap { $0 }
        #expect(refused.map(\.message) == ["a capture \"x1\" is running"], "round \(round)")
        #expect(refused.map(\.code) == [.different])
        #expect(sinks.filter(\.isClosed).count == 1)
        #expect(await runtime.captures.running().map(\.id) == ["x1"])
        try await runtime.captures.stop("x1")
        #expect(sinks.filter(\.isClosed).count == 2)
        #expect(await runtime.captures.running().isEmpty)
      }
    }
  }

  /// The end of one does not take away another that has its name since.
  @Test func anIDIsFreeAgain() async throws {
    try await withLab { runtime, _, _ in
      for _ in 0..<30 {
        try await runtime.startCapture(request("x1", ["all"]), to: Sink())
        try await runtime.captures.stop("x1")
      }
      try await runtime.startCapture(request("x1", ["all"]), to: Sink())
      // Whatever is still to be said of the others' ends has been by then.
      for _ in 0..<200 { await Task.yield() }
      #expect(await runtime.captures.running().map(\.id) == ["x1"])
      await #expect(throws: UserError.self) {
        try await runtime.startCapture(self.request("x2", ["nothing"]), to: Sink())
      }
      await #expect(throws: UserError.self) {
        var wrong = self.request("x2", ["all"])
        wrong.filter = "tcp prt 80"
        try await runtime.startCapture(wrong, to: Sink())
      }
      try await runtime.startCapture(request("x2", ["all"]), to: Sink())
      #expect(await runtime.captures.running().map(\.id) == ["x1", "x2"])
    }
  }

  /// A client's capture cannot look like one that the lab file declares, nor keep one from coming.
  @Test func idsOfDeclaredCapturesAreNoClients() async throws {
    try await withLab { runtime, lab, directories in
      let file = "\(directories.dataRoot)/one.pcapng"
      let sink = Sink()
      let error = await #expect(throws: UserError.self) {
        try await runtime.startCapture(self.request("file:\(file)", ["all"]), to: sink)
      }
      #expect(error?.code == .badInput)
      #expect(sink.isClosed)
      #expect(await runtime.captures.running().isEmpty)
      var other = lab
      other.captures = [self.declared("one.pcapng", [.all], directories.dataRoot)]
      _ = try await runtime.bringUp(other) { _ in }
      #expect(await runtime.captures.running().map(\.id) == ["file:\(file)"])
    }
  }

  /// Who asks for a capture's end while it is being started gets it.
  @Test func aCaptureThatIsBeingStartedCanBeEnded() async throws {
    try await withLab { runtime, _, _ in
      for _ in 0..<30 {
        let sink = Sink()
        let start = Task { try await runtime.startCapture(self.request("x1", ["all"]), to: sink) }
        while (try? await runtime.captures.stop("x1")) == nil { await Task.yield() }
        try await start.value
        #expect(sink.isClosed)
        #expect(await runtime.captures.running().isEmpty)
      }
    }
  }

  /// A link leads to another node by a later `up`; its capture has the port from the moment that it is there.
  @Test func capturesFollowLinksThatComeLater() async throws {
    try await withLab { runtime, lab, _ in
      try await runtime.startCapture(request("x1", ["w"]), to: Sink())
      try await runtime.startCapture(request("x2", ["sw1", "w"]), to: Sink())
      #expect(await ports(runtime, "x1") == ["a.eth0", "b.eth0"])
      var other = lab
      other.nodes[1].nics[0].attachment = .none
      other.nodes.append(external("d", [wired(4, "w")]))
      other.links = [wire("w", "a", "d")]
      _ = try await runtime.bringUp(other) { _ in }
      #expect(await ports(runtime, "x1").contains("d.eth0"))
      #expect(Set(await ports(runtime, "x2")).isSuperset(of: ["c.eth0", "d.eth0"]))
      // A link that was not there for a while is followed when it comes again.
      var without = other
      without.links = []
      without.nodes[0].nics[0].attachment = .none
      without.nodes[3].nics[0].attachment = .none
      _ = try await runtime.bringUp(without) { _ in }
      without.nodes.append(external("e", [wired(5, "w")]))
      without.nodes[0].nics[0].attachment = .wire(link: "w")
      without.links = [wire("w", "a", "e")]
      _ = try await runtime.bringUp(without) { _ in }
      #expect(await ports(runtime, "x1").contains("e.eth0"))
    }
  }

  // MARK: - Declared

  private static let slow: ImpairmentDefinition = {
    var slow = ImpairmentDefinition()
    slow.delay = 0.04
    return slow
  }()

  private func declared(_ name: String, _ targets: [CaptureDefinition.Target], _ folder: String) -> CaptureDefinition {
    CaptureDefinition(targets: targets, file: "\(folder)/\(name)")
  }

  private func refusal(_ runtime: LabRuntime, _ lab: CanonicalLab) async -> UserError? {
    do {
      _ = try await runtime.bringUp(lab) { _ in }
      return nil
    } catch {
      return error as? UserError
    }
  }

  private func files(_ runtime: LabRuntime, _ folder: String) async -> [String] {
    await runtime.captures.running().compactMap(\.file).map { $0.replacing("\(folder)/", with: "") }
  }

  /// A runtime alone carries them out: there is nobody else who has to.
  @Test func whatAFileDeclaresRunsAndEndsWithTheLab() async throws {
    try await withTemporaryDirectories { directories in
      let folder = directories.dataRoot
      try Files.makeDirectory(folder)
      var lab = lab()
      lab.captures = [declared("one.pcapng", [.switch("sw1")], folder), declared("two.pcapng", [.link("w")], folder)]
      let first = LabRuntime(directories: directories)
      _ = try await first.bringUp(lab) { _ in }
      #expect(await files(first, folder) == ["one.pcapng", "two.pcapng"])
      // Another daemon goes on, in files of their own.
      await first.detach()
      #expect(await first.captures.running().isEmpty)
      let second = LabRuntime(directories: directories)
      _ = try await second.bringUp(lab) { _ in }
      #expect(Files.exists("\(folder)/one_2.pcapng") && Files.exists("\(folder)/two_2.pcapng"))
      lab.captures?.removeFirst()
      lab.captures?.append(declared("three.pcapng", [.all], folder))
      #expect(try await second.bringUp(lab) { _ in }.map(\.subject) == ["captures"])
      #expect(await files(second, folder) == ["three.pcapng", "two.pcapng"])
      try await second.takeDown { _ in }
      #expect(await second.captures.running().isEmpty)
    }
  }

  /// A hand-over to another daemon that did not come to be, and one that did: all is in one file.
  @Test func whatAFileDeclaresGoesOnInItsFile() async throws {
    try await withTemporaryDirectories { directories in
      let folder = directories.dataRoot
      try Files.makeDirectory(folder)
      var lab = lab()
      var ring = declared("ring.pcapng", [.all], folder)
      ring.ring = CaptureDefinition.Ring(files: 3, size: 1 << 20)
      let port = declared("c.pcap", [.port(node: "c", nic: "eth0")], folder)
      lab.captures = [declared("one.pcapng", [.switch("sw1")], folder), port, ring]
      let runtime = LabRuntime(directories: directories)
      _ = try await runtime.bringUp(lab) { _ in }
      _ = await runtime.captures.suspend()
      #expect(await runtime.captures.running().isEmpty)
      let size = try #require(Files.read("\(folder)/one.pcapng")?.count)
      await runtime.captures.goOn()
      #expect(await files(runtime, folder).sorted() == ["c.pcap", "one.pcapng", "ring.pcapng"])
      try await runtime.captures.stop("file:\(folder)/c.pcap")
      let handed = await runtime.captures.suspend()
      #expect(handed.ended == ["file:\(folder)/c.pcap"])
      let bytes = try #require(Files.read("\(folder)/one.pcapng"))
      #expect(bytes.count > size && bytes.starts(with: [0x0A, 0x0D, 0x0D, 0x0A]))
      #expect(Array(bytes[size..<(size + 4)]) == [0x0A, 0x0D, 0x0D, 0x0A])
      // A head stands there once.
      #expect(Files.read("\(folder)/c.pcap")?.count == 24)
      let other = CaptureDesk(
        gate: runtime.gate, logger: Logger(label: "test"), application: "apus", events: EventHub())
      try await other.inherit(handed, of: lab)
      // The files are another daemon's until then.
      #expect(await other.running().isEmpty && Files.read("\(folder)/one.pcapng") == bytes)
      await other.goOn()
      #expect(await other.running().compactMap(\.file).sorted() == ["\(folder)/one.pcapng", "\(folder)/ring.pcapng"])
      await other.endAll()
      #expect(!Files.exists("\(folder)/one_2.pcapng"))
      let rings = HostFacts.entries(of: folder).filter { $0.hasPrefix("ring_0000") }.map { $0.prefix(10) }
      #expect(rings.sorted() == ["ring_00001", "ring_00002", "ring_00003"])
      try await runtime.takeDown { _ in }
    }
  }

  @Test func aDeclaredCaptureThatFailsTakesTheUpBack() async throws {
    try await withTemporaryDirectories { directories in
      let folder = directories.dataRoot
      try Files.makeDirectory(folder)
      let good = lab()
      var bad = good
      bad.captures = [declared("one.pcapng", [.all], folder), declared("none/two.pcapng", [.all], folder)]
      let runtime = LabRuntime(directories: directories)
      let error = await refusal(runtime, bad)
      #expect(error?.message.contains("none/two.pcapng") == true, "\(String(describing: error))")
      #expect(await runtime.lab() == nil)
      #expect(await runtime.captures.running().isEmpty)
      #expect(!Files.exists(directories.state("aplc")))
      _ = try await runtime.bringUp(good) { _ in }
      try await runtime.takeDown { _ in }
    }
  }

  /// Of a lab that is up everything is as before; what a change had ended goes on in a file of its own.
  @Test func aChangeThatFailsLeavesTheDeclaredCaptures() async throws {
    try await withLab { lab, folder in
      lab.captures = [self.declared("one.pcapng", [.switch("sw1")], folder)]
    } _: { runtime, lab, directories in
      let folder = directories.dataRoot
      var words = lab
      words.captures = [declared("two.pcapng", [.all], folder), declared("none/x.pcapng", [.all], folder)]
      #expect(await refusal(runtime, words) != nil)
      #expect(await runtime.lab() == lab)
      #expect(await runtime.captures.running().map(\.id) == ["file:\(folder)/one.pcapng"])
      var nodes = words
      nodes.nodes.append(external("d", [nic(mac: "02:00:00:00:00:04")]))
      #expect(await refusal(runtime, nodes) != nil)
      #expect(await runtime.lab() == lab)
      #expect(await ports(runtime, "file:\(folder)/one.pcapng").contains("c.eth0"))
      #expect(await runtime.captures.running().count == 1)
      // Settings that were changed by then are those of before.
      let settings = await runtime.dataplane()?.ports().map { "\($0.name) \($0.mode)" }
      var modes = words
      modes.switches[0].aging = 60
      modes.nodes[2].nics[0].attachment = .switchPort(switch: "sw1", mode: .access(20))
      modes.nodes[2].nics[0].impair = ImpairmentPair(fromFirst: Self.slow)
      #expect(await refusal(runtime, modes) != nil)
      #expect(await runtime.dataplane()?.ports().map { "\($0.name) \($0.mode)" } == settings)
      #expect(await runtime.dataplane()?.switches().map(\.aging) == [lab.switches[0].aging])
      #expect(await runtime.links().allSatisfy { $0.impair == nil })
      // A mistake is found before anything is stopped: nothing new is written.
      let before = Set(Files.names(in: folder))
      words.captures = [declared("two.pcapng", [.all], folder)]
      words.captures?[0].filter = "tcp prt 80"
      #expect(await refusal(runtime, words) != nil)
      #expect(Set(Files.names(in: folder)) == before)
      _ = try await runtime.bringUp(lab) { _ in }
    }
  }
}
