import LinuxHost
import Synchronization

/// How busy this host's processors are, by what the kernel counts (proc(5), /proc/stat).
final class LoadGauge: Sendable {
  private let last = Mutex<(busy: Double, idle: Double)>((0, 0))
  private let source: @Sendable () -> String?

  init(source: @escaping @Sendable () -> String? = { HostFacts.text(ofFile: "/proc/stat") }) {
    self.source = source
    _ = idleProcessors()
  }

  /// The gauge as a function.
  var reader: @Sendable () -> Double { { self.idleProcessors() } }

  /// Processors that were idle on average since the last call; 0 when the kernel does not say.
  func idleProcessors() -> Double {
    guard let text = source() else { return 0 }
    let lines = text.split(separator: "\n").filter { $0.hasPrefix("cpu") }
    let ticks = (lines.first ?? "").split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
    guard ticks.count >= 5, lines.count > 1 else { return 0 }
    // The fourth is idle time, the fifth is idle time while a disk is waited for.
    let idle = ticks[3] + ticks[4]
    let busy = ticks.reduce(0, +) - idle
    return last.withLock { last in
      let (idleSince, busySince) = (idle - last.idle, busy - last.busy)
      last = (busy, idle)
      guard idleSince + busySince > 0 else { return 0 }
      return idleSince / (idleSince + busySince) * Double(lines.count - 1)
    }
  }
}
