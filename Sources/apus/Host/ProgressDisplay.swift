import Control
import Lab
import Synchronization
import Topology

/// Shows on standard error how far a lab has come: one line that changes on a terminal, a few lines elsewhere.
final class ProgressDisplay: Sendable {
  private let progress: Mutex<LabProgress>
  /// The updating line is there.
  private let isShown = Mutex(false)
  private let updates: Bool
  private let start = ContinuousClock.now

  /// - Parameters:
  ///   - definition: nil: nobody knows what the lab was.
  ///   - updates: false: others write to standard error, too, so there is no line that changes.
  init(_ work: LabProgress.Work, lab: String, definition: CanonicalLab?, updates: Bool = true) {
    progress = Mutex(LabProgress(work, lab: lab, definition: definition))
    self.updates = updates
  }

  /// Takes a line of the daemon's.
  func take(_ line: String) {
    let (lines, isNote, status) = progress.withLock { progress in
      let taken = progress.take(line)
      return (taken.lines, taken.isNote, progress.status)
    }
    guard updates, let size = Output.progressSize else {
      for line in lines { Output.words(line) }
      return
    }
    let shown = TerminalText.cutAtEnd(status, to: max(1, size.columns - 1))
    let notes = isNote ? lines.map { $0 + "\n" }.joined() : ""
    isShown.withLock { isShown in
      Output.bytes(Array((EscapeSequence.restartLine + notes + shown).utf8), toError: true)
      isShown = true
    }
  }

  /// Ends it, before anything else is said: the line that changes goes, elsewhere what was not final is printed.
  func finish() {
    let left = progress.withLock { $0.finish() }
    if updates, Output.progressSize != nil {
      isShown.withLock { isShown in
        if isShown { Output.bytes(Array(EscapeSequence.restartLine.utf8), toError: true) }
        isShown = false
      }
    } else {
      for line in left { Output.words(line) }
    }
  }

  /// Seconds since it was made, as `4.2 s`.
  var elapsed: String {
    let tenths = Int(((ContinuousClock.now - start) / .seconds(1) * 10).rounded())
    return "\(tenths / 10).\(tenths % 10) s"
  }
}
