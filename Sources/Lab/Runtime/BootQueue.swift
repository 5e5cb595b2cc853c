import FoundationEssentials
import LinuxHost

/// Lets machines boot, as many at once as the host bears, in the order in which they came.
///
/// As many as there are processors always may; further ones while a processor's worth of time is idle, since a machine
/// that waits for its disk or network, or has a processor that virtualizes, leaves room for others.
actor BootQueue {
  /// Machines at once at most, by load, a processor.
  private static let mostPerProcessor = 8
  /// Pause between two looks at the load, which is measured over it.
  private static let interval = Duration.milliseconds(200)

  private let limit: Int?
  private let processors: Int
  private let idleProcessors: @Sendable () -> Double
  private var running = 0
  /// Who waits, by numbers that nobody else has.
  private var waiting: [Int] = []
  private var lastTicket = 0

  /// - Parameter limit: machines that boot at once, whatever the load; nil = as the host bears.
  /// - Parameter idleProcessors: how many processors were idle since the last call.
  init(
    limit: Int?, processors: Int = max(ProcessInfo.processInfo.activeProcessorCount, 2),
    idleProcessors: @escaping @Sendable () -> Double = LoadGauge().reader
  ) {
    self.limit = limit
    self.processors = processors
    self.idleProcessors = idleProcessors
  }

  /// Returns when a machine may boot; `leave` has to follow.
  func enter() async throws {
    lastTicket += 1
    let ticket = lastTicket
    waiting.append(ticket)
    defer { waiting.removeAll { $0 == ticket } }
    while !(waiting.first == ticket && hasRoom()) { try await Task.sleep(for: Self.interval) }
    running += 1
  }

  /// A machine has booted, or will not.
  func leave() { running -= 1 }

  private func hasRoom() -> Bool {
    if let limit { return running < limit }
    if running < processors { return true }
    return running < processors * Self.mostPerProcessor && idleProcessors() >= 1
  }
}
