/// The manual pages, made of what the command line says of itself: `apus.1` and one for each command.
package struct Manual {
  /// A page as it is written to a file.
  package struct Page: Sendable {
    /// `apus-port.1`.
    package var file: String
    package var text: String
  }

  /// What the help of a command ends with.
  private static let examplesTitle = "Examples:\n"

  private let tree: CommandTree
  private let version: String
  private let date: String
  private let usage: ([String]) -> [String]

  /// - Parameters:
  ///   - date: `2026-11-30`.
  ///   - usage: lines that show how the command of a path is called, without its subcommands' names.
  package init(_ tree: CommandTree, version: String, date: String, usage: @escaping ([String]) -> [String]) {
    self.tree = tree
    self.version = version
    self.date = date
    self.usage = usage
  }

  package var pages: [Page] { [mainPage] + commands.map { page($0) } }

  private var commands: [CommandTree] {
    (tree.subcommands ?? []).filter { $0.shouldDisplay && $0.commandName != "help" }
  }

  // MARK: - apus(1)

  private var mainPage: Page {
    var page = Roff(title: "APUS", date: date, version: version)
    page.section("NAME")
    page.line("apus - \(Self.sentence(tree.abstract))")
    page.section("SYNOPSIS")
    page.verbatim(["apus COMMAND [ARGUMENT ...]", "apus COMMAND --help"])
    page.section("DESCRIPTION")
    page.prose(
      """
      Apus is a virtual network switch with a vhost-user back-end for virtual machines, and a tool that builds labs of \
      machines, containers and namespaces from one file.
      """)
    page.prose(tree.discussion ?? "", isFirst: false)
    page.section("COMMANDS")
    for command in commands {
      page.item("apus-\(command.commandName)(1)", command.abstract ?? "")
    }
    exitStatus(&page, of: nil)
    page.section("ENVIRONMENT")
    page.line("Every long option has a variable: APUS_ and its name in capitals, with _ for -. The option wins.")
    for (name, text) in Self.variables { page.item(name, text) }
    files(&page)
    page.section("EXAMPLES")
    examples(&page, ["up", "exec", "top", "down"].compactMap { tree.subcommand($0) })
    page.section("SEE ALSO")
    page.line(commands.map { "apus-\($0.commandName)(1)" }.joined(separator: ", "))
    return Page(file: "apus.1", text: page.text)
  }

  // MARK: - apus-COMMAND(1)

  private func page(_ command: CommandTree) -> Page {
    let name = "apus-\(command.commandName)"
    let parts = (command.subcommands ?? []).filter { $0.shouldDisplay && $0.commandName != "help" }
    let all = parts.isEmpty ? [command] : parts
    let path = [tree.commandName, command.commandName]
    func call(_ part: CommandTree) -> [String] { parts.isEmpty ? path : path + [part.commandName] }
    var page = Roff(title: name.uppercased(), date: date, version: version)
    page.section("NAME")
    page.line("\(name) - \(Self.sentence(command.abstract))")
    page.section("SYNOPSIS")
    page.verbatim(all.flatMap { usage(call($0)) })
    page.section("DESCRIPTION")
    describe(command, &page)
    if parts.isEmpty {
      options(of: [command], &page)
    } else {
      for part in parts {
        page.subsection(call(part).joined(separator: " "))
        describe(part, &page)
        list(part.arguments ?? [], &page)
      }
    }
    exitStatus(&page, of: command.commandName)
    page.section("ENVIRONMENT")
    for (name, text) in variables(of: all) + Self.variables.suffix(3) { page.item(name, text) }
    files(&page)
    page.section("EXAMPLES")
    examples(&page, all)
    page.section("SEE ALSO")
    page.line("apus(1)")
    return Page(file: "\(name).1", text: page.text)
  }

  private func describe(_ command: CommandTree, _ page: inout Roff) {
    page.line(command.abstract ?? "")
    let aliases = command.aliases ?? []
    if !aliases.isEmpty { page.line("Also called \(aliases.joined(separator: ", ")).") }
    let text = Self.split(command.discussion).text
    if !text.isEmpty { page.prose(text, isFirst: false) }
  }

  private func options(of commands: [CommandTree], _ page: inout Roff) {
    page.section("OPTIONS")
    for command in commands { list(command.arguments ?? [], &page) }
  }

  private func list(_ arguments: [CommandTree.Argument], _ page: inout Roff) {
    let shown = arguments.filter(\.shouldDisplay)
    for argument in shown.filter({ $0.kind == .positional }) + shown.filter({ $0.kind != .positional }) {
      page.item(Self.term(argument), argument.abstract ?? "")
    }
  }

  /// `-o, --output OUTPUT`; `NODE`.
  private static func term(_ argument: CommandTree.Argument) -> String {
    let value = (argument.valueName ?? "").uppercased().replacing("-", with: "_")
    guard let names = argument.names, argument.kind != .positional else { return value }
    let written = names.map(\.written).sorted { $0.count < $1.count }.joined(separator: ", ")
    return argument.kind == .option ? "\(written) \(value)" : written
  }

  // MARK: - What all have

  private func exitStatus(_ page: inout Roff, of command: String?) {
    page.section("EXIT STATUS")
    if command == "exec" {
      page.item("125", "The command could not be run at all.")
      page.item("126", "It is no program.")
      page.item("127", "There is none of that name.")
      page.item("anything else", "The status of the command; 128 and N after signal N.")
      return
    }
    for (code, text) in [
      ("0", "Done."), ("1", "Failed while running."), ("2", "Bad input: usage, or the lab file."),
      ("3", "Tests failed, or a dry run found changes."), ("4", "There is no such lab, node or port."),
      ("5", "The daemon cannot be reached."),
    ] { page.item(code, text) }
  }

  private static let variables: [(name: String, text: String)] = [
    ("APUS_LAB", "The lab that is meant, when more than one is up."),
    ("APUS_OUTPUT", "How lists are written: table, json or jsonl."),
    ("APUS_GUEST_DIR", "Where the built-in guest lies."),
    ("APUS_STATE_DIR", "The state folder, instead of /run/apus, or of $XDG_RUNTIME_DIR/apus."),
    ("APUS_DATA_DIR", "The data folder, instead of /var/lib/apus, or of $XDG_STATE_HOME/apus."),
    ("NO_COLOR", "If it is not empty, nothing is coloured."),
  ]

  /// Those of the options: their helps name them.
  private func variables(of commands: [CommandTree]) -> [(name: String, text: String)] {
    var names: [(name: String, text: String)] = []
    for argument in commands.flatMap({ $0.arguments ?? [] }) where argument.shouldDisplay {
      guard let text = argument.abstract, let start = text.firstRange(of: "(APUS_"), text.hasSuffix(")"),
        let long = argument.names?.first(where: { $0.kind == "long" })
      else { continue }
      let name = String(text[text.index(after: start.lowerBound)...].dropLast())
      if !names.contains(where: { $0.name == name }) { names.append((name, "The same as \(long.written).")) }
    }
    return names
  }

  private func files(_ page: inout Roff) {
    page.section("FILES")
    page.item("/run/apus/LAB/", "State of a lab that is up: its control socket, process id and lab.json.")
    page.item("/var/lib/apus/LAB/", "Its data: apus.log, and logs and disks of its nodes.")
    page.item("/var/lib/apus/images/", "Images that labs call by name; see apus-image(1).")
  }

  private func examples(_ page: inout Roff, _ commands: [CommandTree]) {
    var isFirst = true
    for command in commands {
      var comment = ""
      for line in Self.split(command.discussion).examples {
        guard !line.hasPrefix("# ") else {
          comment = String(line.dropFirst(2))
          continue
        }
        if !isFirst { page.paragraph() }
        isFirst = false
        page.line(Self.upperFirst(comment) + ":")
        page.paragraph()
        page.verbatim(["    \(line)"])
      }
    }
  }

  // MARK: - Texts

  /// The discussion of a command without its examples, and those, trimmed.
  private static func split(_ discussion: String?) -> (text: String, examples: [String]) {
    let discussion = discussion ?? ""
    guard let start = discussion.firstRange(of: examplesTitle) else { return (discussion, []) }
    var text = String(discussion[..<start.lowerBound])
    while text.last == "\n" { text.removeLast() }
    let lines = discussion[start.upperBound...].split(separator: "\n").map { line in
      String(line.drop { $0 == " " })
    }
    return (text, lines)
  }

  /// As a line of NAME has it: no full stop, and it begins with a small letter.
  private static func sentence(_ text: String?) -> String {
    var text = text ?? ""
    if text.hasSuffix(".") { text.removeLast() }
    guard let first = text.first, text.dropFirst().first?.isLowercase ?? false else { return text }
    return first.lowercased() + text.dropFirst()
  }

  private static func upperFirst(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
}
