import FoundationEssentials
import Glibc
import LinuxHost

/// The program that is to go on with a lab, as the daemon sees it that has the lab.
final class Heir: Sendable {
  let path: String
  let process: ProcessIdentity
  private let channel: UpgradeChannel

  /// Starts the program.
  init(_ program: UpgradeProgram, lab: String, _ directories: LabDirectories, _ variables: [String: String])
    throws(UserError)
  {
    path = program.path
    do throws(SystemError) {
      let (ours, theirs) = try UnixSocket.pair()
      var variables = variables
      // The daemon is told by its socket, so that what it starts does not have it.
      variables["APUS_HTTP_TOKEN"] = nil
      variables["APUS_STATE_DIR"] = directories.stateRoot
      variables["APUS_DATA_DIR"] = directories.dataRoot
      let request = SpawnRequest(
        executable: program.path, arguments: ["daemon", "--lab", lab, "--take-over", "0"], environment: variables)
      process = try spawn(request, program: program.file, input: theirs)
      channel = UpgradeChannel(ours)
    } catch {
      throw UserError(.failed, "cannot start \(program.path): \(SystemError.text(of: error.code))")
    }
  }

  /// Says something and what goes with it; that it has gone is noticed by `hear`, to which it may have said why.
  func say(_ message: UpgradeMessage, _ descriptors: [Descriptor] = [], by deadline: ContinuousClock.Instant)
    async throws(UserError)
  {
    do throws(UpgradeChannel.Failure) {
      try await channel.send(message, descriptors, by: deadline)
    } catch {
      if case .ended = error { return }
      throw explained(error, "taken what it was told")
    }
  }

  /// Waits for something that is to be said next.
  /// - Parameter what: for messages to people: `said that it is ready`.
  func hear<Value>(
    _ part: (UpgradeMessage) -> Value?, _ what: String, by deadline: ContinuousClock.Instant
  ) async throws(UserError) -> Value {
    let message: UpgradeMessage
    do throws(UpgradeChannel.Failure) {
      (message, _) = try await channel.receive(by: deadline)
    } catch {
      throw explained(error, what)
    }
    if let failure = message.failed { throw refused(failure) }
    guard let value = part(message) else {
      throw UserError(.failed, "\(path) has said \(message.word) where it was to have \(what)")
    }
    return value
  }

  /// It has said that the lab is its own, whether that was heard or not; asked once it has ended.
  func hasBegun() async -> Bool { await channel.hasReceived { $0.begun != nil } }

  /// Ends it at once; false if it still runs.
  func end() async -> Bool {
    process.signalGroup(SIGKILL)
    process.signal(SIGKILL)
    return await process.wait(timeoutSeconds: 5)
  }

  private func refused(_ failure: UpgradeMessage.Failure) -> UserError {
    UserError(
      .failed, "\(path) cannot go on with the lab: \(ShownText.line(failure.message))",
      hint: failure.hint.map { ShownText.line($0) })
  }

  private func explained(_ failure: UpgradeChannel.Failure, _ what: String) -> UserError {
    switch failure {
    case .ended:
      UserError(
        .failed, "\(path) ended before it had \(what)", hint: "is it apus? its last words are in the daemon's log")
    case .late: UserError(.failed, "\(path) has not \(what) in time, and was ended", hint: "is it apus?")
    case .garbled(let words):
      UserError(.failed, "\(path) does not speak as apus does: \(ShownText.line(words))", hint: "is it apus?")
    case .host(let error): UserError(.failed, "cannot speak to \(path): \(error)")
    }
  }
}
