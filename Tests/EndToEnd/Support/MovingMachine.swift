import Foundation
import LinuxHost
import TestSupport

/// A machine with the built-in guest on one of two hosts, or what waits there to become it.
///
/// It is moved as somebody without libvirt does it: by QMP, over a unix socket.
final class MovingMachine {
  /// How its NIC is.
  struct Variant: Sendable, CustomStringConvertible {
    var isPacked = false
    var queues = 1
    /// The guest says itself where it is (GUEST_ANNOUNCE); otherwise the switch is told to (SEND_RARP).
    var announces = true

    var description: String {
      "\(isPacked ? "packed" : "split"), \(queues) queue pairs, \(announces ? "the guest" : "the switch") announces"
    }
  }

  static let mac = "02:00:00:00:08:01"
  static let address = "10.8.0.1"

  let host: Sandbox
  let process: ProcessIdentity
  let monitor: MachineMonitor

  /// Starts QEMU on a host.
  /// - Parameter waits: it waits for the machine to come from elsewhere.
  init(on host: Sandbox, _ variant: Variant, waits: Bool = false) async throws {
    self.host = host
    let path = "\(host.folder)/vm.qmp"
    let device = (variant.isPacked ? ",packed=on" : "") + (variant.announces ? "" : ",guest_announce=off")
    process = try RealThings.QEMUFrontEnds.boot(
      1, "vm", RealThings.QEMUFrontEnds.Variant(isServer: false, queues: variant.queues), host, memory: "256M",
      device: device,
      extra: ["-qmp", "unix:\(path),server=on,wait=off"] + (waits ? ["-incoming", "defer"] : []))
    var monitor: MachineMonitor?
    try await eventually("QEMU's monitor is there") {
      monitor = try? MachineMonitor(path: path)
      return monitor != nil
    }
    guard let monitor else { throw Failure("no monitor at \(path)") }
    self.monitor = monitor
    try enable("events", "return-path")
  }

  /// Ends QEMU, as somebody does whose machine has gone.
  func end() async throws {
    process.signal(SIGKILL)
    guard await process.wait(timeoutSeconds: 20) else { throw Failure("QEMU does not end") }
  }

  /// Runs a line in the guest; true if it ends with 0.
  func guest(_ line: String, within seconds: Int = 60) throws -> Bool {
    try Agent(path: "\(host.folder)/vm.agent").status(of: line, within: seconds) == 0
  }

  func enable(_ capabilities: String...) throws {
    try set(capabilities, true)
  }

  func disable(_ capabilities: String...) throws {
    try set(capabilities, false)
  }

  private func set(_ capabilities: [String], _ isOn: Bool) throws {
    let list = capabilities.map { ["capability": .text($0), "state": .flag(isOn)] as JSON }
    try monitor.ask("migrate-set-capabilities", ["capabilities": .items(list)])
  }

  // MARK: - Moving

  /// Begins to move this machine, so slowly, and with so short a pause allowed, that it does not end by itself while the
  /// guest writes.
  func move(to target: MovingMachine) throws {
    let uri: JSON = .text("unix:\(target.host.folder)/moving")
    try target.monitor.ask("migrate-incoming", ["uri": uri])
    try limit(bytesPerSecond: 24 << 20, pauseMilliseconds: 1)
    try monitor.ask("migrate", ["uri": uri])
  }

  /// How fast memory is copied, and for how long the machine may stand still.
  func limit(bytesPerSecond: Int, pauseMilliseconds: Int) throws {
    let arguments: [String: JSON] = [
      "max-bandwidth": .number(Double(bytesPerSecond)), "downtime-limit": .number(Double(pauseMilliseconds)),
    ]
    try monitor.ask("migrate-set-parameters", arguments)
  }

  /// Lets the move come to its end, which it may now.
  func hurry() throws { try limit(bytesPerSecond: 1 << 30, pauseMilliseconds: 300) }

  /// What QEMU says of the move, or of what comes in.
  func status() throws -> String { try monitor.ask("query-migrate")["status"].text ?? "none" }

  /// Waits until the move is in one of these states.
  func reaches(_ states: String..., within seconds: Double = 60) async throws {
    try await eventually("the move is \(states)", within: seconds) { states.contains(try status()) }
  }

  /// Waits until this machine runs, which QEMU lets go on by itself.
  func goesOn() async throws {
    try await eventually("the machine goes on") { try monitor.ask("query-status")["status"].text == "running" }
  }

  /// Stops this machine, and lets it go on at once.
  func pauses() async throws {
    try monitor.ask("stop")
    try await eventually("the machine goes on") {
      // QEMU refuses it for a moment where a move is at its end ("Migration is not finalized yet").
      _ = try? monitor.ask("cont")
      return try monitor.ask("query-status")["status"].text == "running"
    }
  }

  /// Waits until all memory was copied once, so that what is written from now on counts for what is copied again; from
  /// then on the move hardly goes on.
  func reachesSecondPass() async throws {
    try await eventually("all memory was copied once") {
      (try monitor.ask("query-migrate")["ram"]["dirty-sync-count"].number ?? 0) >= 2
    }
    // QEMU looks anew what was written when it has sent all that it knew of, which takes a minute then: something was, also
    // where two busy processors let the guest do next to nothing.
    try limit(bytesPerSecond: 1 << 16, pauseMilliseconds: 1)
  }

  /// Waits until both say that it is over, and ends this one; returns for how long the machine stood still, by QEMU's own
  /// clock, in milliseconds.
  func arrives(at target: MovingMachine) async throws -> Int {
    try await reaches("completed", "failed")
    let answer = try monitor.ask("query-migrate")
    guard answer["status"].text == "completed" else { throw Failure("it did not move: \(answer)") }
    try await target.reaches("completed")
    try await end()
    return Int(answer["downtime"].number ?? -1)
  }
}
