import ArgumentParser
import Control

/// What a shell completes for an argument or option: `@Argument(help: "The node.", completion: Names.nodes)`.
///
/// Kinds are commands of a shell, so that they stand in the description of the command line that
/// `apus complete-line` reads, and scripts of swift-argument-parser's own would do the same.
enum Names {
  static let labs = kind(.labs)
  static let labsAndFiles = kind(.labsAndFiles)
  static let nodes = kind(.nodes)
  static let ports = kind(.ports)
  static let links = kind(.links)
  static let ends = kind(.ends)
  static let switches = kind(.switches)
  static let images = kind(.images)
  static let vlans = kind(.vlans)
  static let targets = kind(.targets)
  static let linkSettings = kind(.linkSettings)
  static let portSettings = kind(.portSettings)
  static let ruleSettings = kind(.ruleSettings)
  static let frame = kind(.frame)

  static let labFiles = CompletionKind.file(extensions: ["yaml", "yml"])

  private static func kind(_ names: CompletionNames) -> CompletionKind {
    .shellCommand("apus complete \(names.rawValue)")
  }
}

extension CompletionKind {
  /// The words of a type that is read by `transform:`.
  static func words<Choice: RawRepresentable & CaseIterable>(of type: Choice.Type) -> CompletionKind
  where Choice.RawValue == String {
    .list(type.allCases.map(\.rawValue))
  }
}
