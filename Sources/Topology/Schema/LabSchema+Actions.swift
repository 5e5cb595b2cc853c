/// Impairments, captures and tests.
extension LabSchema {
  static let impairment = ObjectSchema(
    "impairment", ImpairmentKey.allCases.map { Key($0.rawValue, $0.type, $0.text) })

  /// An impairment for each direction of a link.
  static let directions = ObjectSchema(
    "pair of impairments",
    [
      Key("from-a", .either([.name, .object(impairment)]), "Of frames that the first end sends, or the NIC."),
      Key("from-b", .either([.name, .object(impairment)]), "Of frames that the second end sends, or the switch."),
    ])

  /// The value of `impair`.
  static let impair = ValueType.either([.name, .object(impairment), .object(directions)])

  static let capture = ObjectSchema(
    "capture",
    [
      Key("on", .oneOrMore(.text), "Ports, links, nodes or switches by name, or all.").required,
      Key("file", .text, "The pcapng file, relative to the lab file.").required,
      Key("ring", .ring, "Files that are written in turn: 4x10M is four of 10M each; one that grows without it."),
      Key("snap", .integer(Limits.snap), "Bytes of each frame that are kept; all without it."),
      Key("filter", .text, "Filter in the language of pcap-filter; every frame without it."),
      Key(
        "direction", .choice(CaptureDefinition.Direction.allCases.map(\.rawValue)),
        "in: what a node sends; out: what it gets; both without it."),
    ])

  /// Tests that go from one node to another.
  static let pairTests = ["ping", "tcp", "udp", "arp"]

  static let test = ObjectSchema(
    "test",
    [
      Key("ping", .text, "A -> B: A pings B."),
      Key("tcp", .text, "A -> B: A opens a TCP connection to B."),
      Key("udp", .text, "A -> B: A sends a datagram to B, which answers."),
      Key("arp", .text, "A -> B: A asks for B's IPv4 address, and B answers."),
      Key("exec", .object(exec), "Runs a command in a node; its exit status must be 0."),
      Key("port", .integer(Limits.ports), "Port of B, for tcp and udp; 7777 without it."),
      Key("expect", .choice(TestDefinition.Expectation.allCases.map(\.rawValue)), "What it must come to."),
      Key("within", .time, "expect: pass is tried until it works or this time is over; 30s without it."),
      Key("for", .time, "expect: fail demands that nothing comes through for this long; 5s without it."),
    ])

  static let exec = ObjectSchema(
    "command",
    [
      Key("node", .name, "A node of kind \(NodeKind.words("or") { $0.executes }).").required,
      Key("run", .oneOrMore(.text), "A line for the shell, or a list: the program and its arguments.").required,
      Key("output", .text, "Text that the command's output must contain."),
    ])
}
