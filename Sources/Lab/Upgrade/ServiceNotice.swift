import FoundationEssentials
import LinuxHost
import Logging

/// What a daemon has to do with whoever has started it: a service manager, or a person at a terminal.
package enum ServiceNotice {
  /// Where it is told; taken out of this process's variables.
  private static let socket: String? = {
    let name = "NOTIFY_SOCKET"
    let said = ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    ProcessVariables.remove(name)
    return said
  }()

  /// Keeps it from the processes that are started from now on.
  ///
  /// Podman and others would name another main process to it, which it takes from everybody in the service.
  package static func keep() { _ = socket }

  /// A service manager wants to be told.
  package static var isHeard: Bool { socket != nil }

  /// Tells the service manager something, as sd_notify(3) does; nothing happens without one.
  package static func tell(_ text: String, _ logger: Logger) {
    guard let socket else { return }
    do throws(SystemError) {
      try ServiceManager.tell(text, at: socket)
    } catch {
      logger.warning("the service manager cannot be told \(text): \(error)")
    }
  }

  /// Has what this process says go to a file where it went to a terminal, whose person has it back.
  package static func leaveTerminal(log: String) {
    if ThisProcess.talksToTerminal { try? ThisProcess.sendOutput(to: log) }
  }
}
