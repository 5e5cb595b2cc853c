import Capture
import Dataplane
import FoundationEssentials
import Lab
import Logging
import Synchronization
import Topology

/// A running capture, as `GET /v1/captures` shows it.
package struct CaptureRow: Codable, Sendable, Equatable {
  package var id: String
  package var targets: [String]
  package var ports: [String]
  package var filter: String
  /// File that the daemon writes; nil = a client has it.
  package var file: String?
  package var received: UInt64
  package var filtered: UInt64
  package var dropped: UInt64
  package var written: UInt64
}

/// The captures of a lab: those that clients asked for, and those that the lab file declares.
///
/// Each follows its targets: a port that appears while it runs becomes part of it.
actor CaptureDesk {
  private struct Entry {
    var request: CaptureRequest
    var session: CaptureSession
    var file: String?
    /// Takes in ports that appear.
    var follower: Task<Void, Never>
  }

  /// Time between looks for new ports.
  private static let interval = Duration.milliseconds(500)

  private let logger: Logger
  private var entries: [String: Entry] = [:]
  private var counter = 0
  /// Frames that captures before were too slow for.
  private var droppedBefore: UInt64 = 0
  private var declared: [CaptureDefinition] = []

  init(logger: Logger) { self.logger = logger }

  /// A capture that could be started: everything that its request says was found right.
  private struct Plan {
    var request: CaptureRequest
    var targets: CaptureTargets
    var ports: [String]
    var settings: CaptureSettings
    var file: String?
  }

  /// Starts a capture into a sink.
  /// - Throws: `UserError` for unknown targets and filters that are none; then the sink is closed.
  func start(
    _ request: CaptureRequest, _ lab: CanonicalLab, _ plane: Dataplane, to sink: any CaptureSink
  ) async throws {
    let plan: Plan
    do {
      plan = try await Self.plan(request, lab, plane, file: nil)
    } catch {
      sink.close()
      throw error
    }
    try await start(plan, plane, to: sink)
  }

  /// Not on this actor: libpcap may take its time over a filter.
  @concurrent
  private static func plan(
    _ request: CaptureRequest, _ lab: CanonicalLab, _ plane: Dataplane, file: String?
  ) async throws -> Plan {
    let targets = CaptureTargets(lab: lab)
    let ports = try await ports(request, targets, plane)
    var settings = try request.settings(lab, linksOnly: targets.areLinks(request.targets))
    // Who asks for a port alone is told when it goes; what stands for many may have others later.
    settings.endsWithPorts = file == nil && request.targets.allSatisfy { targets.isPort($0, in: ports) }
    return Plan(request: request, targets: targets, ports: ports, settings: settings, file: file)
  }

  private func start(_ plan: Plan, _ plane: Dataplane, to sink: any CaptureSink) async throws {
    do {
      let id = try newID(plan.request.id)
      let session = try await CaptureSession.start(on: plane, ports: plan.ports, plan.settings, to: sink)
      let follower = Task { await self.follow(id, plane, plan.targets, plan.request) }
      entries[id] = Entry(request: plan.request, session: session, file: plan.file, follower: follower)
      Task {
        let status = await session.ended()
        self.ended(id, status)
      }
    } catch let error as DataplaneError {
      sink.close()
      throw UserError(.failed, "capture: \(error)")
    } catch {
      sink.close()
      throw error
    }
  }

  private static func ports(
    _ request: CaptureRequest, _ targets: CaptureTargets, _ plane: Dataplane
  ) async throws -> [String] {
    let all = await plane.ports()
    var ports: [String] = []
    for target in request.targets {
      guard let some = targets.ports(of: target, among: all) else {
        throw UserError(
          .notFound, "lab \(targets.lab.name) has no port, link, node or switch \"\(target)\"",
          hint: "known: \(targets.known(all))")
      }
      ports += some.filter { !ports.contains($0) }
    }
    return ports
  }

  private func newID(_ wanted: String?) throws -> String {
    guard let wanted else {
      counter += 1
      return "capture-\(counter)"
    }
    guard entries[wanted] == nil else { throw UserError(.badInput, "a capture \"\(wanted)\" is running") }
    return wanted
  }

  private func follow(_ id: String, _ plane: Dataplane, _ targets: CaptureTargets, _ request: CaptureRequest) async {
    while (try? await Task.sleep(for: Self.interval)) != nil, let session = entries[id]?.session {
      let known = Set(session.currentPorts)
      guard let ports = try? await Self.ports(request, targets, plane) else { continue }
      for port in ports where !known.contains(port) { try? await session.addPort(port) }
    }
  }

  private func ended(_ id: String, _ status: CaptureStatus) {
    guard let entry = entries.removeValue(forKey: id) else { return }
    entry.follower.cancel()
    droppedBefore += status.counts.dropped
    let what = "capture \(entry.file ?? id): \(status.outcome?.description ?? "ended"), \(Self.frames(status.written))"
    if status.outcome?.isClean ?? true { logger.info("\(what)") } else { logger.warning("\(what)") }
  }

  private static func frames(_ count: UInt64) -> String { count == 1 ? "1 frame" : "\(count) frames" }

  /// Ends a capture; what it has is still written.
  func stop(_ id: String) async throws {
    // Its name is free when this returns: another of that name may follow at once.
    ended(id, try await entry(id).session.stop())
  }

  func changeFilter(_ id: String, to text: String) async throws {
    let filter = try await Self.compiled(text)
    do {
      try await entry(id).session.changeFilter(to: filter)
    } catch let error as DataplaneError {
      throw UserError(.failed, "capture \(id): \(error)")
    }
  }

  @concurrent
  private static func compiled(_ text: String) async throws -> Filter { try CaptureRequest.filter(text) }

  private func entry(_ id: String) throws -> Entry {
    guard let entry = entries[id] else {
      let names = entries.keys.sorted().joined(separator: ", ")
      throw UserError(.notFound, "no capture \"\(id)\" is running", hint: names.isEmpty ? nil : "running: \(names)")
    }
    return entry
  }

  func rows() -> [CaptureRow] {
    entries.sorted { $0.key < $1.key }.map { id, entry in
      let status = entry.session.status
      return CaptureRow(
        id: id, targets: entry.request.targets, ports: status.ports, filter: status.filter, file: entry.file,
        received: status.counts.received, filtered: status.counts.filtered, dropped: status.counts.dropped,
        written: status.written)
    }
  }

  /// Frames that captures were too slow for, since the daemon runs.
  func dropped() -> UInt64 { entries.values.reduce(droppedBefore) { $0 + $1.session.status.counts.dropped } }

  /// What the flight recorder holds of the targets, as a pcapng file.
  /// - Throws: `UserError` for unknown targets, and for what only a running capture can do.
  func recording(
    _ request: CaptureRequest, last: Double?, _ lab: CanonicalLab, _ plane: Dataplane
  ) async throws -> [UInt8] {
    if request.duration != nil || request.isRaw || request.segments {
      throw UserError(
        .badInput, "what was recorded has an end and is as it was: duration, raw and segment are for captures that run")
    }
    var options = RecordingWriter.Options()
    let plan = try await Self.plan(request, lab, plane, file: nil)
    let ports = plan.ports
    let trunks = Set(await plane.ports().filter { $0.kind == .patch }.map(\.name))
    guard ports.isEmpty || !trunks.isSuperset(of: ports) else {
      throw UserError(
        .badInput, "the recorder knows frames where nodes sent them, and so nothing of a trunk",
        hint: "ask for a switch, or for all")
    }
    // Ports that are gone by now were part of the whole lab too.
    options.ports = request.targets == ["all"] ? nil : Set(ports)
    options.settings = plan.settings
    options.filter = options.settings.filter
    options.drops = request.drops == "only" ? .only : .included
    let recording = await plane.recording(last: last.map { .seconds(min($0, 1e9)) })
    let bytes = ByteCollector()
    do {
      _ = try RecordingWriter.write(recording, options, to: ClosureSink { piece in bytes.add(piece) })
    } catch {
      throw UserError(.failed, "recording: \(error)")
    }
    return bytes.taken()
  }

  // MARK: - Declared in the lab file

  /// Makes the captures that a lab declares run, and no others of that kind.
  /// - Parameter stage: on a lab that is taken back, what a daemon before this one has captured is kept.
  func declare(_ lab: CanonicalLab, _ plane: Dataplane, _ stage: PortsStage) async throws {
    if stage != .changed { declared = [] }
    for entry in entries.values { entry.session.add(names: CaptureRequest.names(lab)) }
    let wanted = lab.captures ?? []
    let new = wanted.filter { !declared.contains($0) }
    // A mistake is found before anything is stopped or emptied.
    var plans: [(plan: Plan, definition: CaptureDefinition)] = []
    for definition in new { plans.append((try await Self.plan(definition, lab, plane), definition)) }
    for (id, entry) in entries where entry.file != nil {
      let isWanted = wanted.contains { definition in definition.file == entry.file && declared.contains(definition) }
      if !isWanted { _ = try? await stop(id) }
    }
    for (plan, definition) in plans {
      try await start(plan, plane, to: try Self.sink(definition, keepsOld: stage == .takenBack))
    }
    declared = wanted
  }

  private static func plan(
    _ definition: CaptureDefinition, _ lab: CanonicalLab, _ plane: Dataplane
  ) async throws -> Plan {
    var request = CaptureRequest(definition.targets.map(\.name))
    request.filter = definition.filter
    request.snap = definition.snap
    request.direction = definition.direction?.rawValue
    request.id = "file:\(definition.file)"
    return try await plan(request, lab, plane, file: definition.file)
  }

  /// The path itself if nothing is there, else the first of `NAME_2.pcapng` and so on that is free.
  static func freePath(_ path: String) -> String {
    guard FileManager.default.fileExists(atPath: path) else { return path }
    let name = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    let point = path[name...].lastIndex(of: ".").flatMap { $0 == name ? nil : $0 } ?? path.endIndex
    var number = 2
    while FileManager.default.fileExists(atPath: "\(path[..<point])_\(number)\(path[point...])") { number += 1 }
    return "\(path[..<point])_\(number)\(path[point...])"
  }

  private static func sink(
    _ definition: CaptureDefinition, keepsOld: Bool
  ) throws(UserError) -> any CaptureSink {
    if let ring = definition.ring {
      return RingFileSink(
        path: definition.file, files: RingFiles(count: ring.files, size: UInt64(ring.size)),
        clock: { UInt64(max(0, Date().timeIntervalSince1970)) })
    }
    do {
      let file = try DescriptorSink(path: keepsOld ? freePath(definition.file) : definition.file, mayWait: false)
      // What a command line means by such a name; several ports cannot be told apart there.
      guard definition.file.lowercased().hasSuffix(".pcap"), case .port? = definition.targets.first,
        definition.targets.count == 1
      else { return file }
      return PcapSink { file }
    } catch {
      throw UserError(.failed, "capture: \(error)", hint: "is its folder there, and may the daemon write there?")
    }
  }

  /// Ends what the lab file declared, so that files are whole before the lab goes.
  func stopDeclared() async {
    for (id, entry) in entries where entry.file != nil { _ = try? await stop(id) }
    declared = []
  }
}

extension CaptureDefinition.Target {
  /// The target as a command line names it.
  var name: String {
    switch self {
    case .port(let node, let nic): Names.port(node: node, nic: nic)
    case .link(let name), .node(let name), .switch(let name): name
    case .all: "all"
    }
  }
}

/// Bytes that come in pieces.
private final class ByteCollector: Sendable {
  private let bytes = Mutex<[UInt8]>([])
  func add(_ piece: [UInt8]) { bytes.withLock { $0 += piece } }
  func taken() -> [UInt8] { bytes.withLock { $0 } }
}
