import Capture
import Dataplane
import FoundationEssentials
import Logging
import Topology

/// Captures that the lab file declares: started before any node is, ended when the lab is taken down.
extension CaptureDesk {
  /// Makes the captures that a lab declares run, and no others of that kind.
  ///
  /// Nothing is stopped or emptied before all of them were found right. Calls follow one another.
  /// - Parameters:
  ///   - journal: its way back ends what this has started, and goes on with what this has ended, in files of their own.
  ///   - old: what becomes of files that are there.
  func declare(
    _ lab: CanonicalLab, _ journal: Journal, old: OldCaptureFile
  ) async throws(UserError) {
    let wanted = lab.captures ?? []
    var plans: [(definition: CaptureDefinition, plan: Plan)] = []
    for definition in wanted where !declared.contains(definition) {
      plans.append((definition, try await plan(definition, lab)))
    }
    let before = self.lab
    journal.note("captures") { await self.goBack(to: before) }
    for definition in declared where !wanted.contains(definition) {
      await end(definition)
      journal.note("capture \(definition.file)") { await self.resume(definition, before) }
    }
    await follow(lab)
    for (definition, plan) in plans {
      try await start(definition, plan, old)
      journal.note("capture \(definition.file)") { await self.end(definition) }
    }
    // In their order, as the file may have changed that alone.
    declared = wanted
  }

  /// Ends what the lab file declared, so that files are whole before the lab goes.
  func endDeclared() async {
    for definition in declared { await end(definition) }
  }

  /// Ends all captures, side by side; for a data plane that nobody is let in to any more.
  ///
  /// One that is being started is not waited for, since it finds the gate closed.
  func endAll() async {
    declared = []
    await withTaskGroup(of: Void.self) { group in
      for (id, entry) in entries where entry.session != nil { group.addTask { try? await self.stop(id) } }
    }
  }

  func plan(
    _ definition: CaptureDefinition, _ lab: CanonicalLab
  ) async throws(UserError) -> Plan {
    try await Self.plan(CaptureRequest(definition), lab, try await ports(), isDeclared: true, application)
  }

  func start(
    _ definition: CaptureDefinition, _ plan: Plan, _ old: OldCaptureFile
  ) async throws(UserError) {
    let id = try reserve(CaptureRequest(definition), file: definition.file)
    do throws(UserError) {
      try await begin(id, plan, to: try sink(definition, old))
    } catch {
      free(id)
      throw error
    }
    declared.append(definition)
  }

  private func end(_ definition: CaptureDefinition) async {
    declared.removeAll { $0 == definition }
    // It may have ended by itself.
    if entries[definition.id]?.file != nil { _ = try? await stop(definition.id) }
  }

  // MARK: - The way back

  private func goBack(to lab: CanonicalLab?) async {
    if let lab { await follow(lab) }
  }

  /// Goes on with a capture that a change has ended, if what it captures is still there.
  private func resume(_ definition: CaptureDefinition, _ lab: CanonicalLab?) async {
    guard let lab, !declared.contains(definition) else { return }
    do throws(UserError) {
      try await start(definition, try await plan(definition, lab), .isKept)
    } catch {
      logger.warning("capture \(definition.file) does not go on: \(error)")
    }
  }

  // MARK: - Its file

  /// The path itself if nothing is there, else the first of `NAME_2.pcapng` and so on that is free.
  static func freePath(_ path: String) -> String {
    guard FileManager.default.fileExists(atPath: path) else { return path }
    let name = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    let point = path[name...].lastIndex(of: ".").flatMap { $0 == name ? nil : $0 } ?? path.endIndex
    var number = 2
    while FileManager.default.fileExists(atPath: "\(path[..<point])_\(number)\(path[point...])") { number += 1 }
    return "\(path[..<point])_\(number)\(path[point...])"
  }

  private func sink(_ definition: CaptureDefinition, _ old: OldCaptureFile) throws(UserError) -> any CaptureSink {
    if let ring = definition.ring {
      let sink = RingFileSink(
        path: definition.file, files: RingFiles(count: ring.files, size: UInt64(ring.size)),
        after: old == .goesOn ? rings[definition.id]?.position ?? RingFileSink.Position() : RingFileSink.Position(),
        clock: { UInt64(max(0, Date().timeIntervalSince1970)) })
      rings[definition.id] = sink
      return sink
    }
    do {
      let path = old == .isKept ? Self.freePath(definition.file) : definition.file
      let goesOn = old == .goesOn && FileManager.default.fileExists(atPath: path)
      let file = goesOn ? try DescriptorSink(appendingTo: path) : try DescriptorSink(path: path, mayWait: false)
      // What a command line means by such a name; several ports cannot be told apart there.
      guard definition.file.lowercased().hasSuffix(".pcap"), case .port? = definition.targets.first,
        definition.targets.count == 1
      else { return file }
      return PcapSink(hasHead: file.size > 0) { file }
    } catch {
      throw UserError(.failed, "capture: \(error)", hint: "is its folder there, and may the daemon write there?")
    }
  }
}

/// What becomes of the file that a declared capture finds at its place.
enum OldCaptureFile: Sendable, Equatable {
  /// It is emptied.
  case isReplaced
  /// It stays, and another one beside it is written.
  case isKept
  /// It is this capture's own: what comes is written behind what is in it.
  case goesOn
}
