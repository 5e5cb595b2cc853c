import Lab
import Topology

/// Which lab a command is about.
package enum LabSelection {
  /// - Parameters:
  ///   - asked: from `--lab` or `APUS_LAB`; nil = the only one there is.
  ///   - running: names of the labs that run, sorted.
  /// - Throws: `notFound` when there is none (of that name), `badInput` when there are several to choose from, or no
  ///   lab can have the name.
  package static func choose(asked: String?, running: [String]) throws -> String {
    if let asked {
      try check(asked)
      guard !running.contains(asked) else { return asked }
      let known = running.isEmpty ? "no lab is up" : "labs that are up: \(running.joined(separator: ", "))"
      throw UserError(.notFound, "no lab \"\(asked)\"", hint: known)
    }
    guard let only = running.first else {
      throw LabRuntime.noLab
    }
    guard running.count == 1 else {
      throw UserError(
        .badInput, "\(running.count) labs are up: \(running.joined(separator: ", "))",
        hint: "choose one with --lab NAME or APUS_LAB")
    }
    return only
  }

  /// Judges a lab's name as the lab file does: it becomes part of paths.
  /// - Throws: `badInput` when no lab can have it.
  package static func check(_ name: String) throws {
    guard let (message, hint) = Names.complaint(about: name, as: "lab") else { return }
    throw UserError(.badInput, message, hint: hint)
  }
}

/// What an argument FILE|LAB means: it is a file if it contains `/`, ends in `.yaml` or `.yml`, or is `-`.
package enum LabArgument: Sendable, Equatable {
  /// `-` = standard input.
  case file(String)
  case lab(String)

  package init(_ text: String) {
    let isFile = text == "-" || text.contains("/") || text.hasSuffix(".yaml") || text.hasSuffix(".yml")
    self = isFile ? .file(text) : .lab(text)
  }
}
