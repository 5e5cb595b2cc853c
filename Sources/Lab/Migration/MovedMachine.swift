import LinuxHost
import Topology

/// The command line of the QEMU to which a machine moves: the one that the machine runs by, but for its sockets.
///
/// Made of what is running rather than of the lab file, so that also a machine that an older version has started is met by
/// one that is its equal. Pure: words in, words out.
struct MovedMachine: Sendable {
  /// A NIC that was plugged in, with its place on the bus.
  struct PluggedNIC: Sendable {
    var nic: NICDefinition
    var place: NICDevice.Place
  }

  /// What the running QEMU was started with, without its own name.
  var words: [String]
  /// Sockets, as the running one has them and as the other one shall.
  var sockets: [String: String]
  /// QEMU's name of its kind of machine, `pc-i440fx-7.2`; nil = as it was said.
  var machine: String?
  var memory: MachineMemory
  /// Names of all its NICs now.
  var nics: Set<String>
  /// Those that were plugged in, and their sockets in the other one.
  var plugged: [(nic: PluggedNIC, socket: String)]
  var accelerator: Accelerator

  /// What a process was started with, without its own name; nil if it cannot be told.
  static func words(of process: ProcessIdentity) -> [String]? {
    guard let text = HostFacts.text(ofFile: "/proc/\(process.pid)/cmdline"), process.isAlive else { return nil }
    let words = text.split(separator: "\0", omittingEmptySubsequences: false).dropLast().map { String($0) }
    return words.isEmpty ? nil : Array(words.dropFirst())
  }

  /// Path of the file that is a machine's memory, by what it was started with; nil = it has none.
  static func memoryFile(in words: [String]) -> String? {
    for (flag, value) in zip(words, words.dropFirst()) where flag == "-object" {
      let options = OptionList(value)
      if options.first == "memory-backend-file", options["id"] == "ram" { return options["mem-path"] }
    }
    return nil
  }

  /// Without the program's name.
  func arguments() -> [String] {
    var result: [String] = []
    var index = 0
    while index < words.count {
      let flag = words[index]
      guard Self.pairs.contains(flag), index + 1 < words.count else {
        result.append(flag)
        index += 1
        continue
      }
      if let value = changed(flag, words[index + 1]) { result += [flag, value] }
      index += 2
    }
    for entry in plugged {
      result += NICDevice(entry.nic.nic, socket: entry.socket, accelerator, place: entry.nic.place).words
    }
    return result + ["-incoming", "defer"]
  }

  /// Options whose values are looked at.
  private static let pairs: Set<String> = ["-machine", "-object", "-chardev", "-netdev", "-device", "-incoming"]

  /// What becomes of an option's value; nil = it goes.
  private func changed(_ flag: String, _ value: String) -> String? {
    if flag == "-incoming" { return nil }
    var options = OptionList(value)
    if flag == "-machine", let machine { options.items[0] = machine }
    if flag == "-object", options["id"] == "ram", options.first.hasPrefix("memory-backend-") {
      return options["size"].flatMap { Int($0) }.map { memory.word(size: $0) } ?? value
    }
    if let id = options["id"], let nic = Self.nic(of: id, flag) {
      guard nics.contains(nic), !plugged.contains(where: { $0.nic.nic.name == nic }) else { return nil }
    }
    for key in ["path", "addr.path"] {
      if let path = options[key], let other = sockets[path] { options[key] = other }
    }
    return options.text
  }

  /// The NIC that a part of it is of.
  private static func nic(of id: String, _ flag: String) -> String? {
    let prefix: String
    switch flag {
    case "-chardev": prefix = NICDevice.socketID("")
    case "-netdev": prefix = NICDevice.backendID("")
    case "-device": prefix = NICDevice.id("")
    default: return nil
    }
    return id.hasPrefix(prefix) ? String(id.dropFirst(prefix.count)) : nil
  }
}

/// A list of options as QEMU takes them: `socket,id=a,path=/a,,b`, where a comma in a value is doubled.
struct OptionList: Sendable, Equatable {
  /// Each without the doubling; at least one.
  var items: [String]

  init(_ text: String) {
    items = [""]
    var rest = text[...]
    while let character = rest.popFirst() {
      if character != "," {
        items[items.count - 1].append(character)
      } else if rest.first == "," {
        rest.removeFirst()
        items[items.count - 1].append(",")
      } else {
        items.append("")
      }
    }
  }

  var first: String { items[0] }

  var text: String { items.map { QEMUCommandLine.escaped($0) }.joined(separator: ",") }

  /// The value of a key; nil if there is none.
  ///
  /// What is set is changed in its place, and only there.
  subscript(key: String) -> String? {
    get { items.first { $0.hasPrefix("\(key)=") }.map { String($0.dropFirst(key.count + 1)) } }
    set {
      guard let value = newValue, let index = items.firstIndex(where: { $0.hasPrefix("\(key)=") }) else { return }
      items[index] = "\(key)=\(value)"
    }
  }
}
