/// Access lists, and the rules of ports.
extension LabSchema {
  static let access = ObjectSchema(
    "access list",
    [
      Key("stateful", .boolean, "Answers to what was let through pass; off without it."),
      Key("to-node", .list(.object(accessRule)), "Rules for frames to the node; all pass without it."),
      Key("from-node", .list(.object(accessRule)), "Rules for frames from the node; all pass without it."),
    ])

  private static let traffic = ValueType.either([.choice(AccessTraffic.words), .integer(AccessTraffic.numbers)])
  private static let block = ValueType.either([.address, .prefix])
  private static let portSpans = ValueType.oneOrMore(.either([.integer(Limits.ports), .form("[0-9]+-[0-9]+")]))

  static let accessRule = ObjectSchema(
    "access rule",
    [
      Key("allow", traffic, "What it lets pass: any, arp, ip (IPv4), ipv6, tcp, udp, icmp or a protocol's number."),
      Key("deny", traffic, "What it drops, in the same words."),
      Key("from", block, "Source address or prefix; of ARP the sender's."),
      Key("to", block, "Destination address or prefix; of ARP the target's."),
      Key("port", portSpans, "Destination ports of TCP and UDP: 80, or [80, 8000-8010]."),
      Key("from-port", portSpans, "Source ports, likewise."),
      Key("mac", .mac, "Source station."),
      Key("ethertype", .either([.integer(Limits.etherTypes), .form("0x[0-9A-Fa-f]+")]), "EtherType, such as 0x88cc."),
    ])

  private static let none = ValueType.choice([AccessDefinition.noneWord])
  private static let frames = ValueType.either([.form("[0-9]+/s"), none])
  private static let bits = ValueType.either([.rate, none])

  static let storm = ObjectSchema(
    "storm limit",
    [
      Key("broadcast", frames, "Broadcast frames a second, such as 100/s."),
      Key("multicast", frames, "Multicast frames a second."),
      Key("unknown", frames, "Frames a second to stations that the switch does not know."),
    ])

  static let rates = ObjectSchema(
    "rate limit",
    [
      Key("to-node", bits, "Bits a second to the node, such as 10Mbit."),
      Key("from-node", bits, "Bits a second from the node."),
    ])

  /// NIC keys.
  static let rules = [
    Key("access", .name, "A list under `access`, or none."),
    Key("mac-lock", .boolean, "Frames from other stations than the NIC's own are dropped; off without it."),
    Key(
      "ip-lock", .either([.boolean, .oneOrMore(block)]),
      "Frames from other addresses are dropped: than the NIC's own (on), or these; off without it."),
    Key(
      "learn-limit", .either([.integer(Limits.learnLimit), none]),
      "Stations that the port may have; frames from others are dropped."),
    Key("isolated", .boolean, "Nothing passes between it and other isolated ports of its switch; off without it."),
    Key("storm", .object(storm), "Frames from it that pass in a second."),
    Key("rate", .object(rates), "Bits that pass in a second."),
  ]
}
