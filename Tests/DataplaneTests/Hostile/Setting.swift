import GuestKit
import LinuxHost
import Testing
import VhostUser

/// What a hostile front-end has agreed on before it breaks the rules: a fault must be found whatever else is on.
struct Setting: Sendable, CustomTestStringConvertible {
  var name: String
  var pairs = 1
  /// Whose order of messages it follows; that of Cloud Hypervisor brings inflight regions with it.
  var order = VirtualGuest.Order.qemu
  /// Pages that the device writes are logged.
  var isLogged = false
  var testDescription: String { name }

  /// Offloads of every kind are on in all of them, as they are offered.
  static let all = [
    Setting(name: "offloads"),
    Setting(name: "four queues", pairs: 4),
    Setting(name: "dirty log", isLogged: true),
    Setting(name: "inflight", order: .cloudHypervisor),
    Setting(name: "everything", pairs: 4, order: .cloudHypervisor, isLogged: true),
  ]

  /// A guest's options under this setting.
  func options(features: UInt64 = .max) -> VirtualGuest.Options {
    var options = VirtualGuest.Options()
    options.ringSize = 64
    options.memorySize = 16 << 20
    options.pairs = pairs
    options.order = order
    options.features = features
    return options
  }

  /// What a front-end still holds of its own for this setting, beside memory and events.
  struct Held {
    var log: DirtyPages?
    var inflight: Descriptor?
    var descriptors: [Descriptor] { [log?.descriptor, inflight].compactMap { $0 } }
  }

  /// Turns on what comes after the start; demands that all of it was agreed on.
  func turnOn(_ guest: VirtualGuest, sourceLocation: SourceLocation = #_sourceLocation) throws -> Held {
    let frontEnd = try #require(guest.frontEnd, sourceLocation: sourceLocation)
    let asked = guest.options.features
    #expect(
      guest.features & Self.offloads == asked & Self.offloads, "no offloads", sourceLocation: sourceLocation)
    var held = Held()
    if order == .cloudHypervisor {
      held.inflight = try #require(frontEnd.inflight, sourceLocation: sourceLocation).file
    }
    guard isLogged else { return held }
    let log = try DirtyPages(of: guest.memory)
    frontEnd.asksForReply = true
    try frontEnd.setLog(log)
    try frontEnd.setLogging(true, guest.rings)
    held.log = log
    return held
  }

  private static let offloads =
    VirtioFeature.hostTSO4 | VirtioFeature.hostTSO6 | VirtioFeature.guestTSO4 | VirtioFeature.guestTSO6
}
