import FoundationEssentials
import LinuxHost
import Synchronization

/// The daemon that has a lab, as the program sees it that is to go on with it.
package final class Predecessor: Sendable {
  /// Time that it may take to say what is next, in which it does what is to be done.
  private static let patience = Duration.seconds(30)

  private let channel: UpgradeChannel
  private let heardNodes = Mutex<[HandedNode]>([])

  /// Takes what it speaks by, standard input, and makes this process what it would be if it had been started by name.
  package init() throws(UserError) {
    do throws(SystemError) {
      channel = UpgradeChannel(try ThisProcess.takeStandardInput())
    } catch {
      throw UserError(.failed, "cannot speak to the daemon: \(error)")
    }
    ThisProcess.closeProgram()
    DescriptorLimit.raise()
    // The kernel calls a process that is started from an open file by that file's number.
    try? Data("apus".utf8).write(to: URL(filePath: "/proc/self/comm"))
  }

  /// Says who this is and hears who that is.
  /// - Parameter version: of this program.
  package func greet(version: String) async throws(UserError) {
    try await say { $0.hello = UpgradeMessage.Hello(apus: version, protocolVersion: UpgradeMessage.version) }
    let hello = try await hear(\.hello).value
    guard hello.protocolVersion == UpgradeMessage.version else {
      throw UserError(
        .failed,
        "the daemon, apus \(hello.apus), hands labs over by version \(hello.protocolVersion), this program, apus "
          + "\(version), by version \(UpgradeMessage.version)", hint: UpgradeMessage.otherWay)
    }
  }

  /// What the lab is, the lock of `apus.pid`, the control socket, and the socket of the API over TCP if there is one.
  package func lab() async throws(UserError) -> (lab: HandedLab, files: [OpenFile]) {
    let (lab, descriptors) = try await hear(\.lab)
    guard descriptors.count == (lab.http == nil ? 2 : 3) else {
      throw UserError(.failed, "\(descriptors.count) open files came with the lab")
    }
    return (lab, descriptors.map { OpenFile($0) })
  }

  /// Says that all was found right.
  package func tellReady() async throws(UserError) { try await say { $0.ready = true } }

  /// The data plane, with its descriptors.
  func plane() async throws(UserError) -> (HandedPlane, [Descriptor]) {
    let (state, descriptors) = try await hear(\.state)
    heardNodes.withLock { $0 = state.nodes }
    return (state, descriptors)
  }

  /// What it knew of the nodes when it handed the data plane over; empty before that.
  var nodes: [HandedNode] { heardNodes.withLock { $0 } }

  /// Says that the lab is this process's.
  ///
  /// When this throws it is not, and never will be.
  func tellBegun() async throws(UserError) {
    try await say { $0.begun = true }
  }

  /// Says that all nodes have been found.
  /// - Parameter time: nanoseconds of the monotonic clock when frames moved again.
  package func tellSettled(movingSince time: UInt64) async {
    try? await say { $0.settled = UpgradeMessage.Settled(time: time) }
  }

  /// Says why it cannot be.
  package func tell(_ error: UserError) async {
    try? await say { $0.failed = UpgradeMessage.Failure(message: error.message, hint: error.hint) }
  }

  private func say(_ fill: (inout UpgradeMessage) -> Void) async throws(UserError) {
    var message = UpgradeMessage()
    fill(&message)
    do throws(UpgradeChannel.Failure) {
      try await channel.send(message, by: .now + Self.patience)
    } catch {
      throw explained(error)
    }
  }

  private func hear<Value>(
    _ part: (UpgradeMessage) -> Value?
  ) async throws(UserError) -> (value: Value, descriptors: [Descriptor]) {
    do throws(UpgradeChannel.Failure) {
      let (message, descriptors) = try await channel.receive(by: .now + Self.patience)
      guard let value = part(message) else { throw UpgradeChannel.Failure.garbled("it has said \(message.word)") }
      return (value, descriptors)
    } catch {
      throw explained(error)
    }
  }

  private func explained(_ failure: UpgradeChannel.Failure) -> UserError {
    switch failure {
    case .ended: UserError(.failed, "the daemon that had the lab has gone")
    case .late: UserError(.failed, "the daemon that has the lab does not go on")
    case .garbled(let words): UserError(.failed, "what the daemon has said is not understood: \(words)")
    case .host(let error): UserError(.failed, "cannot speak to the daemon: \(error)")
    }
  }
}

extension UpgradeMessage {
  /// What to do where two programs do not understand each other.
  static let otherWay =
    "end the daemon with `kill -TERM`, then let `apus up FILE` of the other program take the lab back: nodes run on, "
    + "their network stands still in between"
}
