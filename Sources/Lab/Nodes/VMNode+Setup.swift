import LinuxHost
import Logging
import Topology

/// What a built-in guest is told beside its network, by its agent.
extension VMNode {
  /// Makes a file: what was there, a link of busybox for example, is replaced rather than written through.
  private static let fileScript = """
    folder=${1%/*}
    [ -z "$folder" ] || mkdir -p "$folder" || exit
    rm -f "$1" && cat >"$1" && chmod "$2" "$1"
    """
  private static let settingScript = #"echo "$2" >"$1""#
  /// Starts the SSH server; guests of an older Apus have none.
  private static let serverScript = "/etc/start-ssh"

  /// Carries it all out; who waits for the guest looks at the time.
  func setUp() async throws {
    guard definition.disk == nil, let setup = definition.setup else { return }
    if let failure = record?.setupFailure { throw UserError(.failed, failure) }
    let begun = record?.begunLines ?? 0
    // The lines may have changed what comes before them.
    if begun == 0 { try await prepareLines(setup) }
    do {
      try await NodeSetup.runLines(
        of: definition, after: begun, onBegin: { await self.note(begunLines: $0) }
      ) { try await self.execute($0) }
      try Task.checkCancellation()
    } catch let error as UserError {
      // Of a system that has gone meanwhile there is nothing to be told.
      guard !Task.isCancelled else { throw error }
      record?.setupFailure = error.message
      try? record?.write(paths)
      throw error
    }
    noteSetUp(true)
  }

  /// Carries out what comes before the lines; once more does no harm.
  private func prepareLines(_ setup: SetupDefinition) async throws {
    for file in try NodeSetup.files(of: definition) {
      try await run(["/bin/sh", "-c", Self.fileScript, "sh", file.path, String(file.mode, radix: 8)], file.bytes) {
        UserError(.failed, "cannot make \(file.path): \($0)")
      }
    }
    try await writeSettings(nil)
    if setup.files.contains(where: { $0.path == NodeSetup.authorizedKeys }) {
      try await run([Self.serverScript]) {
        UserError(
          .failed, "cannot start its SSH server: \($0)",
          hint: "is the guest older than this apus? run tools/setup, or set APUS_GUEST_DIR to that of this version")
      }
    }
  }

  func setKernelSettings(_ journal: Journal?) async throws(UserError) {
    guard life == .running, definition.disk == nil else { return }
    do {
      try await writeSettings(journal)
    } catch {
      throw UserError.wrapping(error, "node \(definition.name)")
    }
  }

  private func writeSettings(_ journal: Journal?) async throws {
    for setting in definition.setup?.kernelSettings ?? [] {
      if let journal, let old = await value(of: setting.key) {
        let before = SetupDefinition.KernelSetting(key: setting.key, value: old)
        journal.note(NodeSetup.words(setting, definition)) { try await self.write(before) }
      }
      try await write(setting)
    }
  }

  private func write(_ setting: SetupDefinition.KernelSetting) async throws {
    let path = SetupNames.path(ofKey: setting.key)
    try await run(["/bin/sh", "-c", Self.settingScript, "sh", path, setting.value]) { [definition] in
      NodeSetup.refused(setting, definition, $0)
    }
  }

  /// What a setting of the guest is; nil for one that is not there, or can be written only.
  private func value(of key: String) async -> String? {
    let command = ["/bin/cat", SetupNames.path(ofKey: key)]
    let outcome = await CommandTrial.run(limit: Self.longest) { status, text in
      status == 0 ? .answered(text) : .silent(text)
    } _: {
      try await self.execute(command)
    }
    guard case .answered(let text?) = outcome else { return nil }
    return text.hasSuffix("\n") ? String(text.dropLast()) : text
  }

  /// Runs a command in the guest, which reads `input`.
  private func run(
    _ command: [String], _ input: [UInt8] = [], _ failure: @Sendable (_ reason: String) -> UserError
  ) async throws {
    var request = CommandRequest(command)
    request.takesInput = !input.isEmpty
    let started = try await execute(request)
    let feed = Task {
      if !input.isEmpty, await started.input.write(input) { await started.input.end() }
    }
    defer { feed.cancel() }
    let outcome = await CommandTrial.run(limit: Self.longest, judge: CommandTrial.status) { started.events }
    try Task.checkCancellation()
    guard case .silent(let reason) = outcome else { return }
    var error = failure(reason)
    let prefix = "node \(definition.name): "
    if !error.message.hasPrefix(prefix) { error.message = prefix + error.message }
    throw error
  }

  /// Seconds that each may take: more than any node has to become ready.
  private static let longest = 3600.0

  /// The guest has been told since its last start or reset.
  func noteSetUp(_ isSetUp: Bool) {
    guard definition.setup != nil else { return }
    record?.isSetUp = isSetUp
    if !isSetUp {
      record?.begunLines = nil
      record?.setupFailure = nil
    }
    // Another daemon that takes the machine back tells it again, if this could not be written.
    try? record?.write(paths)
  }

  private func note(begunLines: Int) {
    // After a reset the lines of the next system count.
    guard !Task.isCancelled else { return }
    record?.begunLines = begunLines
    try? record?.write(paths)
  }
}
