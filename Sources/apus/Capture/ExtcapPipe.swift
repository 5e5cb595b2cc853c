import Capture
import Lab

/// The FIFO through which Wireshark takes a capture.
///
/// Its other end (dumpcap) is opened without waiting and then waits for bytes or for the end of them, which a FIFO that
/// nobody has opened for writing never has: whatever fails, this end must have been open once.
enum ExtcapPipe {
  /// Time for the reader to come.
  private static let patience = Duration.seconds(10)

  /// Opens the end for writing, once somebody reads.
  static func open(_ path: String) async throws -> any CaptureSink {
    let start = ContinuousClock.now
    while true {
      do {
        return try DescriptorSink(path: path, mayWait: false)
      } catch {
        guard ContinuousClock.now - start < patience else {
          throw UserError(.failed, "cannot write the capture: \(error)")
        }
        try await Task.sleep(for: .milliseconds(10))
      }
    }
  }

  /// Opens and closes the FIFO that a command line names which cannot be carried out.
  static func giveUp(_ arguments: [String]) async {
    guard arguments.first == "extcap", arguments.contains("--capture"), let path = path(arguments) else { return }
    try? await open(path).close()
  }

  private static func path(_ arguments: [String]) -> String? {
    if let joined = arguments.last(where: { $0.hasPrefix("--fifo=") }) { return String(joined.dropFirst(7)) }
    guard let place = arguments.lastIndex(of: "--fifo"), place + 1 < arguments.count else { return nil }
    return arguments[place + 1]
  }
}
