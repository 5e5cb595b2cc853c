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
  ///   - keepsFiles: what a daemon before this one has captured stays.
  func declare(
    _ lab: CanonicalLab, _ journal: Journal, keepsFiles: Bool
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
      try await start(definition, plan, keepsFile: keepsFiles)
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

  private func plan(
    _ definition: CaptureDefinition, _ lab: CanonicalLab
  ) async throws(UserError) -> Plan {
    try await Self.plan(CaptureRequest(definition), lab, try await ports(), isDeclared: true, application)
  }

  private func start(
    _ definition: CaptureDefinition, _ plan: Plan, keepsFile: Bool
  ) async throws(UserError) {
    let id = try reserve(CaptureRequest(definition), file: definition.file)
    do throws(UserError) {
      try await begin(id, plan, to: try Self.sink(definition, keepsOld: keepsFile))
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
      try await start(definition, try await plan(definition, lab), keepsFile: true)
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
}
