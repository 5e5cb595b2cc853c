import Yams

/// Turns the bytes of a file into a `YAMLNode`: syntax, limits, duplicate keys, `${}` expansion.
///
/// The bytes are not trusted. Size is bounded before anything is parsed, depth and the values that aliases expand to
/// while the tree is built; libyaml itself stops at 1,000 levels, so its composer's recursion is bounded too.
struct YAMLReader {
  /// Largest file in bytes.
  static let largestSize = 10 << 20
  /// Deepest nesting of lists and mappings.
  static let deepestNesting = 64
  /// Most values of a file, aliases expanded.
  static let largestCount = 1_000_000
  /// Most bytes of another tool's words, aliases expanded: each of its readers copies them.
  private static let mostForeignBytes = 64 << 20
  private static let tooDeep = "lists and mappings are nested more than \(deepestNesting) deep"

  let reporter: Reporter
  let environment: [String: String]
  /// The file is another tool's: `${}` and tags are left as they are.
  private let isForeign: Bool
  private let text: PositionedText
  private let source: SourceText
  /// Keys that were renamed in the text to get past Yams's refusal of duplicates: position to name.
  private var renamed: [String: String] = [:]
  private var count = 0
  /// Bytes of the words so far, aliases expanded.
  private var bytes = 0
  /// Part of the tree is missing, so nothing more can be said about the file.
  private var isOverLimit = false

  init(_ source: SourceText, environment: [String: String], reporter: Reporter, isForeign: Bool = false) {
    self.source = source
    self.reporter = reporter
    self.environment = environment
    self.isForeign = isForeign
    text = PositionedText(source.text.count > Self.largestSize ? [] : source.text)
  }

  /// The file's one document; nil when an error was reported or the file is empty.
  mutating func read() -> YAMLNode? {
    guard source.text.count <= Self.largestSize else {
      let message = "the file has \(source.text.count) bytes; at most \(Self.largestSize) are read"
      reporter.error(.limit, .start, message)
      return nil
    }
    guard let valid = text.validated(reporting: reporter) else { return nil }
    guard AliasGuard.accepts(valid.utf8) else {
      reporter.error(.limit, .start, "the file uses many aliases together with keys that are lists or aliases")
      return nil
    }
    guard let root = compose() else { return nil }
    let tree = convert(root, depth: 1)
    return isOverLimit ? nil : tree
  }

  /// Composes the document, renaming duplicate keys (same width, so positions stay) until Yams takes it.
  private mutating func compose() -> Node? {
    var bytes = text.bytes
    for attempt in 0...Reporter.limit {
      do {
        return try Yams.compose(yaml: String(decoding: bytes, as: UTF8.self), .basic, .default, .utf8)
      } catch YamlError.duplicatedKeysInMapping(let names, let context) {
        let place = Span(line: context.mark.line, column: context.mark.column)
        let known = PositionedText(bytes)
        guard attempt < Reporter.limit, let name = known.scalarText(at: place),
          let substitute = known.replacingFirstCharacter(at: place, with: UInt32(0xE000 + attempt))
        else {
          reporter.error(.duplicateKey, place, "key \((names.first ?? "").quoted) is defined more than once")
          return nil
        }
        renamed[place.position] = renamed[place.position] ?? name
        bytes = substitute
      } catch let error as YamlError {
        report(error)
        return nil
      } catch {
        reporter.error(.syntax, .start, "cannot read YAML: \(error)")
        return nil
      }
    }
    return nil
  }

  /// Builds our tree out of Yams's.
  private mutating func convert(_ node: Node, depth: Int) -> YAMLNode {
    let span = text.span(of: node)
    count += 1
    guard count <= Self.largestCount else {
      return overLimit(span, "the file has more than \(Self.largestCount) values once its aliases are expanded")
    }
    guard depth <= Self.deepestNesting else {
      return overLimit(span, Self.tooDeep)
    }
    switch node {
    case .scalar(let scalar):
      guard hasRoom(for: scalar.string) else { return overLimit(span, Self.tooManyBytes) }
      if scalar.tag.rawValue.hasPrefix("!"), !isForeign {
        reporter.error(.type, span, "YAML tags such as \(scalar.tag.rawValue.quoted) mean nothing in a lab file")
      }
      guard let value = expanded(scalar.string, at: span) else {
        return YAMLNode(content: .unusable, span: span)
      }
      let isPlain = scalar.style == .plain && value == scalar.string
      return YAMLNode(content: .scalar(value, isPlain: isPlain), span: span)
    case .sequence(let sequence):
      var items: [YAMLNode] = []
      for item in sequence where !isOverLimit { items.append(convert(item, depth: depth + 1)) }
      return YAMLNode(content: .sequence(items), span: span)
    case .mapping(let mapping):
      return YAMLNode(content: .mapping(entries(of: mapping, depth: depth)), span: span)
    case .alias: return YAMLNode(content: .unusable, span: span)
    }
  }

  private func expanded(_ text: String, at span: Span) -> String? {
    isForeign ? text : Expansion.expand(text, environment: environment, at: span, reporter: reporter)
  }

  private static let tooManyBytes =
    "the file has more than \(mostForeignBytes >> 20) MiB of text once its aliases are expanded"

  /// Counts the bytes of a word of another tool's file; false once there are too many.
  private mutating func hasRoom(for word: String) -> Bool {
    guard isForeign else { return true }
    bytes += word.utf8.count
    return bytes <= Self.mostForeignBytes
  }

  /// Reports a limit once; the rest of the tree is not built.
  private mutating func overLimit(_ span: Span, _ message: String) -> YAMLNode {
    if !isOverLimit { reporter.error(.limit, span, message) }
    isOverLimit = true
    return YAMLNode(content: .unusable, span: span)
  }

  /// The entries of a mapping: keys are scalars, each once; `<<` adds those of another mapping that are not here.
  private mutating func entries(of mapping: Node.Mapping, depth: Int) -> [YAMLEntry] {
    var entries: [YAMLEntry] = []
    var places: [String: Span] = [:]
    var merged: [YAMLNode] = []
    for (key, value) in mapping where !isOverLimit {
      var span = text.span(of: key)
      guard case .scalar(let scalar) = key else {
        reporter.error(.type, span, "a key must be a word, found \(key.sequence == nil ? "mapping" : "list")")
        continue
      }
      guard hasRoom(for: scalar.string) else {
        _ = overLimit(span, Self.tooManyBytes)
        break
      }
      let written = renamed[span.position] ?? scalar.string
      guard let name = expanded(written, at: span) else { continue }
      if renamed[span.position] != nil { span.length = max(1, written.unicodeScalars.count) }
      if let first = places[name] {
        let notes = [Diagnostic.Note("\(name.quoted) is first defined here", at: first)]
        let message = "key \(name.quoted) is already defined at \(first.position)"
        reporter.error(.duplicateKey, span, message, notes: notes)
        continue
      }
      places[name] = span
      var node = convert(value, depth: depth + 1)
      if case .scalar("", isPlain: true) = node.content { node.span = span }
      if name == "<<" { merged.append(node) } else { entries.append(YAMLEntry(key: Located(name, span), value: node)) }
    }
    for node in merged { merge(node, into: &entries) }
    return entries
  }

  /// YAML's merge key: a mapping or a list of mappings whose keys are taken unless they are here already.
  private func merge(_ node: YAMLNode, into entries: inout [YAMLEntry]) {
    switch node.content {
    case .unusable: break
    case .scalar: reporter.error(.type, node.span, "\"<<\" must be a mapping to merge, found \(node.found)")
    case .sequence(let nodes): for node in nodes { merge(node, into: &entries) }
    case .mapping(let others):
      let present = Set(entries.map(\.key.value))
      entries += others.filter { !present.contains($0.key.value) }
    }
  }

  private func report(_ error: YamlError) {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let span = Span(line: mark.line, column: mark.column)
      if problem.hasPrefix("Maximum nesting level") {
        reporter.error(.limit, span, Self.tooDeep)
      } else if problem == "but found another document" {
        let expected = isForeign ? "one document is read" : "a lab file holds one"
        reporter.error(.syntax, span, "a second document starts here; \(expected)")
      } else if text.scalar(at: span) == "\t" {
        reporter.error(.syntax, span, "cannot read YAML: found a tab where indentation was expected")
      } else {
        let place = context.map { ", \($0.text) that starts at \($0.mark.line):\($0.mark.column)" } ?? ""
        let isExpansion = !isForeign && text.lineContains("${", at: span)
        let hint = isExpansion ? "inside { } and [ ] a value with ${...} needs quotes" : nil
        reporter.error(.syntax, span, "cannot read YAML: \(problem)\(place)", hint: hint)
      }
    case .memory: reporter.error(.limit, .start, Self.tooDeep)
    case .reader(let problem, _, _, _): reporter.error(.syntax, .start, "cannot read YAML: \(problem)")
    default: reporter.error(.syntax, .start, "cannot read YAML")
    }
  }
}
