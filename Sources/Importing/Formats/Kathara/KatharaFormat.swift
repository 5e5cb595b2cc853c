import Topology

/// Kathara (and Netkit): a folder with `lab.conf`, a start-up script for each device, and files to copy into them.
struct KatharaFormat: ForeignFormat {
  let name = "kathara"
  let tool = "Kathara"

  func recognises(_ files: ForeignFiles) -> Bool { files.named.contains("lab.conf") }

  func read(_ files: ForeignFiles, _ options: ImportOptions) throws(ImportFaults) -> ForeignLab {
    var reader = KatharaReader(files: files, hostKind: options.hostKind ?? .netns)
    return try reader.read()
  }
}

/// Reads the files of one network scenario.
struct KatharaReader {
  let files: ForeignFiles
  let hostKind: ForeignNode.Kind
  var lab: ForeignLab
  var faults: [ImportFault] = []
  /// Places of nodes by their names.
  var places: [String: Int] = [:]
  private var segments: [String: Int] = [:]
  /// What devices have of what they share.
  var shared = SharedText()
  /// By device: the line of each meta, the last one counts.
  var metas: [String: [(key: String, value: String, line: Int)]] = [:]
  private var numbers: Set<String> = []
  private var members: Set<String> = []

  static let configuration = "lab.conf"
  private static let mostFaults = 50

  init(files: ForeignFiles, hostKind: ForeignNode.Kind) {
    self.files = files
    self.hostKind = hostKind
    lab = ForeignLab(tool: "Kathara", name: files.folderName)
  }

  mutating func read() throws(ImportFaults) -> ForeignLab {
    let text: String?
    do throws(ImportFault) { text = try files.read(Self.configuration) } catch { throw ImportFaults(error) }
    guard let text else {
      throw ImportFaults(ImportFault(path: files.shown(Self.configuration), message: "there is no such file"))
    }
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      guard faults.count < Self.mostFaults else { break }
      readLine(line, index + 1)
    }
    orderNICs()
    guard faults.isEmpty else { throw ImportFaults(faults) }
    if lab.nodes.isEmpty { fault(nil, "it declares no device") }
    readDependencies()
    readExternal()
    for place in lab.nodes.indices { applyMetas(place) }
    readScripts()
    guard faults.isEmpty else { throw ImportFaults(faults) }
    return lab
  }

  mutating func fault(_ line: Int?, _ message: String, in file: String = configuration) {
    fault(ImportFault(path: files.shown(file), line: line, message: message))
  }

  mutating func fault(_ fault: ImportFault) {
    if faults.count < Self.mostFaults { faults.append(fault) }
  }

  /// Counts bytes that a device gets; answers false, and is a fault, once the devices have more than a lab may.
  mutating func hasRoom(for count: Int, in file: String) -> Bool {
    let isFirst = !shared.isUsedUp
    if shared.hasRoom(for: count) { return true }
    if isFirst { fault(nil, "the devices have more than \(SharedText.most) bytes of scripts and files", in: file) }
    return false
  }

  mutating func note(
    _ outcome: ImportNote.Outcome, _ line: Int?, _ key: String, _ reason: String, in file: String = configuration
  ) {
    lab.notes.append(ImportNote(outcome, path: files.shown(file), line: line, key: key, reason: reason))
  }

  // MARK: - lab.conf

  /// A line of `lab.conf`, taken apart.
  struct Assignment: Equatable {
    var device: String
    var argument: String
    var value: String
  }

  private mutating func readLine(_ line: Substring, _ number: Int) {
    let trimmed = Self.trimmed(line)
    guard !trimmed.isEmpty, !trimmed.hasPrefix("#") else { return }
    if readMetadata(trimmed, number) { return }
    guard let assignment = Self.assignment(trimmed) else {
      return fault(number, Self.complaint(about: trimmed))
    }
    guard !["shared", "_test"].contains(assignment.device) else {
      return fault(number, "\"\(assignment.device)\" is a reserved name, and no device can have it")
    }
    let place = device(assignment.device, number)
    guard let interface = Int(assignment.argument) else {
      return metas[assignment.device, default: []].append((assignment.argument, assignment.value, number))
    }
    plug(place, interface, assignment.value, number)
  }

  private static let metadata = ["NAME", "DESCRIPTION", "VERSION", "AUTHOR", "EMAIL", "WEB"]

  /// `LAB_NAME="..."` and its like.
  private mutating func readMetadata(_ line: Substring, _ number: Int) -> Bool {
    guard line.hasPrefix("LAB_"), let equals = line.firstIndex(of: "=") else { return false }
    let key = line[..<equals].dropFirst("LAB_".count)
    guard Self.metadata.contains(String(key)) else { return false }
    let value = Self.trimmed(line[line.index(after: equals)...].filter { $0 != "\"" && $0 != "'" }[...])
    if key == "NAME", !value.isEmpty {
      lab.name = String(value)
    } else if !value.isEmpty {
      lab.comments.append("\(key.lowercased()): \(value)")
    }
    return true
  }

  /// `device[argument]=value`, the value in one pair of equal quotes or in none, with a comment behind it or none.
  static func assignment(_ line: Substring) -> Assignment? {
    let device = line.prefix { isDevice($0) }
    let rest = line[device.endIndex...]
    guard (1...30).contains(device.count), rest.first == "[", let close = rest.firstIndex(of: "]") else { return nil }
    let argument = rest[..<close].dropFirst()
    var value = rest[close...].dropFirst()
    guard !argument.isEmpty, argument.allSatisfy({ isWord($0) }), value.popFirst() == "=" else { return nil }
    if let quote = value.first, quote == "\"" || quote == "'" {
      value = value.dropFirst()
      guard let end = value.firstIndex(of: quote) else { return nil }
      let behind = trimmed(value[value.index(after: end)...])
      guard behind.isEmpty || behind.hasPrefix("#") else { return nil }
      value = value[..<end]
    } else if let comment = value.indices.first(where: { value[$0] == "#" && value[..<$0].last?.isWhitespace ?? false })
    {
      value = value[..<comment]
    }
    value = trimmed(value)
    guard !value.isEmpty, !value.contains("\""), !value.contains("'") else { return nil }
    return Assignment(device: String(device), argument: String(argument), value: String(value))
  }

  private static func isDevice(_ character: Character) -> Bool {
    character.isASCII && (character.isLowercase || character.isNumber || character == "_")
  }

  private static func isWord(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_"
  }

  static func trimmed(_ text: Substring) -> Substring {
    let head = text.drop { $0.isWhitespace }
    let rest = head.reversed().prefix { $0.isWhitespace }.count
    return head.dropLast(rest)
  }

  /// What is wrong with a line that is no assignment.
  private static func complaint(about line: Substring) -> String {
    let word = line.prefix { isWord($0) || $0 == "-" || $0 == "." }
    let isCapital = word.contains { $0.isUppercase }
    if isCapital, line[word.endIndex...].first == "[" {
      return "\"\(word)\" is no name of a device: those are 1 to 30 of a-z 0-9 _"
    }
    let quotes = line.filter { $0 == "\"" || $0 == "'" }.count
    if quotes % 2 == 1 { return "a quote is not closed" }
    return "a line must be DEVICE[ARGUMENT]=VALUE, without blanks around \"=\""
  }

  private mutating func device(_ name: String, _ line: Int) -> Int {
    if let place = places[name] { return place }
    let place = lab.nodes.count
    places[name] = place
    lab.nodes.append(ForeignNode(id: name, name: name, kind: hostKind, line: line))
    return place
  }

  // MARK: - NICs

  private mutating func plug(_ place: Int, _ number: Int, _ value: String, _ line: Int) {
    let parts = value.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let domain = String(parts[0])
    let device = lab.nodes[place].name
    guard !domain.isEmpty, domain.allSatisfy({ Self.isWord($0) }) else {
      return fault(line, "a collision domain is a word of letters, digits and _, found \"\(domain)\"")
    }
    guard (0...999).contains(number) else { return fault(line, "NIC \(number) of \(device) is not within 0..999") }
    guard numbers.insert("\(device) \(number)").inserted else {
      return fault(line, "NIC \(number) of \(device) is defined already")
    }
    guard members.insert("\(device) \(domain)").inserted else {
      return fault(line, "\(device) is on collision domain \(domain) already")
    }
    if segments[domain] == nil {
      segments[domain] = lab.segments.count
      lab.segments.append(ForeignSegment(id: domain, name: domain, line: line))
    }
    var nic = ForeignNIC(name: "eth\(number)", line: line)
    nic.number = number
    nic.segment = domain
    if parts.count == 2 { nic.mac = String(parts[1]) }
    lab.nodes[place].nics.append(nic)
  }

  /// NICs come by number; those from 0 on must all be there, `bridged` being one more behind them.
  private mutating func orderNICs() {
    for place in lab.nodes.indices {
      lab.nodes[place].nics.sort { ($0.number ?? 0) < ($1.number ?? 0) }
      let node = lab.nodes[place]
      for (expected, nic) in node.nics.enumerated() where nic.number != expected {
        let message =
          "\(node.name) has NIC \(nic.number ?? 0), but no NIC \(expected): they are numbered from 0 without a hole"
        fault(nic.line, message)
        break
      }
    }
  }

  // MARK: - lab.dep and lab.ext

  private mutating func lines(of file: String) -> [(text: Substring, number: Int)] {
    do throws(ImportFault) {
      guard let text = try files.read(file) else { return [] }
      return text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated()
        .map { (Self.trimmed($1), $0 + 1) }.filter { !$0.0.isEmpty && !$0.0.hasPrefix("#") }
    } catch {
      fault(error)
      return []
    }
  }

  /// `a: b c`: a starts when b and c have.
  private mutating func readDependencies() {
    let file = "lab.dep"
    var lines: [Int: Int] = [:]
    for (text, number) in self.lines(of: file) {
      let parts = text.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, parts[0].allSatisfy({ Self.isWord($0) }) else {
        fault(number, "a line must be DEVICE: DEVICE DEVICE", in: file)
        continue
      }
      let others = parts[1].split(whereSeparator: \.isWhitespace).map { String($0) }
      guard let place = places[String(parts[0])] else {
        note(.withoutEffect, number, String(parts[0]), "there is no such device", in: file)
        continue
      }
      lines[place] = number
      for other in others {
        guard places[other] != nil else {
          note(.withoutEffect, number, other, "there is no such device", in: file)
          continue
        }
        lab.nodes[place].after.append(other)
      }
    }
    if let cycle = cycle() {
      let names = cycle.prefix(Self.mostShown).map { lab.nodes[$0].name } + (cycle.count > Self.mostShown ? ["…"] : [])
      let line = cycle.first.flatMap { lines[$0] }
      fault(line, "devices wait for each other: \(names.joined(separator: " -> "))", in: file)
    }
    // Only what has a start of its own can wait for others.
    guard hostKind == .netns else { return }
    for place in lab.nodes.indices where !lab.nodes[place].after.isEmpty {
      note(.withoutEffect, nil, lab.nodes[place].name, "a namespace is there at once, and waits for nobody", in: file)
      lab.nodes[place].after = []
    }
  }

  /// Devices of a cycle that are told.
  private static let mostShown = 20

  /// Places of devices that wait for each other, the first one at the end again.
  private func cycle() -> [Int]? {
    var state: [Int: Bool] = [:]
    for start in lab.nodes.indices where state[start] == nil {
      var path: [(node: Int, next: Int)] = [(start, 0)]
      state[start] = false
      while let (node, next) = path.last {
        guard next < lab.nodes[node].after.count else {
          state[node] = true
          path.removeLast()
          continue
        }
        path[path.count - 1].next += 1
        guard let other = places[lab.nodes[node].after[next]] else { continue }
        if state[other] == false {
          let from = path.firstIndex { $0.node == other } ?? 0
          return path[from...].map(\.node) + [other]
        }
        guard state[other] == nil else { continue }
        state[other] = false
        path.append((other, 0))
      }
    }
    return nil
  }

  /// `DOMAIN INTERFACE[.VLAN]`: a bridge to an interface of the host, which a lab does not take by itself.
  private mutating func readExternal() {
    let file = "lab.ext"
    for (text, number) in lines(of: file) {
      let words = text.split(whereSeparator: \.isWhitespace)
      guard words.count == 2 else {
        fault(number, "a line must be DOMAIN INTERFACE", in: file)
        continue
      }
      let reason = "a bridge to the host's interface \(words[1]) is not made: a node of kind nic or tap can be"
      note(.lost, number, String(words[0]), reason, in: file)
      guard let place = segments[String(words[0])] else { continue }
      lab.segments[place].comments.append("lab.ext: was bridged to the host's interface \(words[1])")
    }
  }
}
