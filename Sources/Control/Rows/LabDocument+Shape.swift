import Topology

extension LabDocument {
  package static let shape = Shape.object(
    "Lab", "A lab in its canonical form: what is left out has the lab file's default.",
    [
      Field("version", .integer(1...Int.max), "Of this form: 1."),
      Field("name", .text, "Name of the lab."),
      Field(optional: "workers", Workers.shape, "The threads that move frames."),
      Field(optional: "vlans", .list(VLAN.shape), "VLANs that have a name, or are used."),
      Field(optional: "switches", .list(Switch.shape), "Learning switches."),
      Field(optional: "nodes", .list(Node.shape), "In file order."),
      Field(optional: "links", .list(Link.shape), "Wires, and trunks between switches."),
      Field(optional: "tests", .list(Test.shape), "What must be true."),
      Field(optional: "captures", .list(Capture.shape), "What is written to files while the lab is up."),
      Field(
        optional: "recorder_size", .integer(0...Limits.recorder.upperBound), "Bytes of the flight recorder; 0 = off."),
      Field(optional: "http", HTTP.shape, "The API over TCP."),
      Field(optional: "access", .list(Access.shape), "Access lists of ports."),
      Field(optional: "directory", .text, "Folder of the lab file."),
      Field(optional: "source", .text, "Path of the lab file; `-` = standard input."),
    ])
}

extension LabDocument.Workers {
  static let shape = Shape.object(
    "LabWorkers", "The threads that move frames.",
    [
      Field(optional: "count", LabDocument.workerCount, "How many."),
      Field(optional: "cpus", .list(.integer(Limits.processors)), "Processors to pin them to."),
      Field(optional: "poll", .choice(WorkerSettings.Poll.allCases.map(\.rawValue)), "What they do without frames."),
      Field(optional: "nice", .integer(Limits.nice), "Their priority; 0 if it is left out."),
    ])
}

extension LabDocument {
  fileprivate static let workerCount = Shape.either(
    EitherShape(
      name: "", text: "`auto` is one for each processor that the daemon may use, at most 4.",
      shapes: [.integer(Limits.workers), .choice([WorkerCount.autoWord])]))
}

extension LabDocument.VLAN {
  static let shape = Shape.object(
    "LabVLAN", "A VLAN.",
    [
      Field("id", .vlan, "Its number."), Field(optional: "name", .text, "In the lab file."),
      Field(optional: "subnet", .text, "A prefix that its nodes get their addresses of."),
    ])
}

extension LabDocument.Switch {
  static let shape = Shape.object(
    "LabSwitch", "A learning switch.",
    [
      Field("name", .text, "Its name."),
      Field(optional: "aging", .numbers(Limits.aging), "Seconds until an unused station is forgotten."),
      Field(
        optional: "link_local", .choice(SwitchDefinition.LinkLocal.allCases.map(\.rawValue)),
        "Which frames to 01:80:c2:00:00:00 and the next 15 it forwards."),
      Field(optional: "fdb_size", .integer(Limits.fdbSize), "Stations that it knows at most."),
      Field(
        optional: "fdb_per_port", .integer(1...Limits.fdbSize.upperBound),
        "Stations behind one port that it knows at most; half of `fdb_size` without it."),
      Field(
        optional: "vlan_aware", .boolean,
        "False: every frame passes as it is, tagged or not; what is on it has neither `vlan` nor `trunk`."),
      Field(optional: "anonymous", .boolean, "It stands for a link with more than two ends."),
    ])
}

/// Keys of what is on a switch.
private let membership = [
  Field(optional: "vlan", .vlan, "An access port of this VLAN."),
  Field(optional: "trunk", .list(.text), "A trunk port with these VLANs: `20`, `100-199`."),
  Field(optional: "native", .vlan, "VLAN of a trunk that is not tagged."),
]

extension LabDocument.Link {
  static let shape = Shape.object(
    "LabLink", "A wire; with `vlan` or `trunk`, what joins two switches.",
    [
      Field("name", .text, "Its name."), Field("ends", .list(.text), "Two: `node.nic`, or names of switches."),
    ] + membership + [Field(optional: "impair", LabDocument.Impairments.shape, "What it does to frames.")])
}

extension LabDocument.Impairments {
  static let shape = Shape.object(
    "LabImpairments", "What a link does to frames.",
    [
      Field(optional: "from_first", LabDocument.Impairment.shape, "Those that the first end sends, or the NIC."),
      Field(optional: "from_second", LabDocument.Impairment.shape, "Those that the second end sends, or the switch."),
    ])
}

extension LabDocument.Impairment {
  static let shape = Shape.object(
    "LabImpairment", "What is done to frames of one direction.",
    [
      Field(optional: "delay", .numbers(Limits.delay), "Seconds that each is held back."),
      Field(optional: "jitter", .numbers(Limits.delay), "Seconds by which that differs."),
      Field(optional: "loss", .numbers(0...1), "Ratio that is lost."),
      Field(optional: "duplicate", .numbers(0...1), "Ratio that arrives twice."),
      Field(optional: "reorder", .numbers(0...1), "Ratio that overtakes others."),
      Field(optional: "corrupt", .numbers(0...1), "Ratio in which a bit is turned over."),
      Field(optional: "rate", .integer(0...Limits.rate.upperBound), "Bits a second; 0 = no limit."),
      Field(optional: "queue", .integer(Limits.impairmentQueue), "Most frames that wait."),
    ])
}

extension LabDocument.Test {
  static let shape = Shape.object(
    "LabTest", "What must be true.",
    [
      Field("action", .text, "`ping`, `tcp`, `udp`, `arp` or `exec`."),
      Field("source", .text, "The node that sends, or runs the command."),
      Field(optional: "destination", .text, "The node that answers."),
      Field(optional: "port", .integer(0...65535), "Of `tcp` and `udp`."),
      Field(optional: "run", .list(.text), "Of `exec`: the command."),
      Field(optional: "output", .text, "Of `exec`: what its output must contain."),
      Field(optional: "expect", .choice(TestDefinition.Expectation.allCases.map(\.rawValue)), "Whether it comes true."),
      Field(optional: "within", .numbers(Limits.testTime), "Seconds in which a `pass` must come true."),
      Field(optional: "duration", .numbers(Limits.testTime), "Seconds of silence that a `fail` demands."),
    ])
}

extension LabDocument.Capture {
  static let shape = Shape.object(
    "LabCapture", "What is written to a file while the lab is up.",
    [
      Field("targets", .list(Target.shape), "What is captured."),
      Field("file", .text, "Absolute path.").onSocket(),
      Field(optional: "ring", Ring.shape, "Files in turn."),
      Field(optional: "snap", .integer(0...Limits.snap.upperBound), "Bytes of each frame that are kept."),
      Field(optional: "filter", .text, "As tcpdump has it."),
      Field(
        optional: "direction", .choice(CaptureDefinition.Direction.allCases.map(\.rawValue)), "Seen from the node."),
    ])
}

extension LabDocument.Capture.Target {
  static let shape = Shape.object(
    "LabCaptureTarget", "What is captured: one of these keys.",
    [
      Field(optional: "port", .text, "`node.nic`."), Field(optional: "link", .text, "A wire or trunk."),
      Field(optional: "node", .text, "Every NIC of it."), Field(optional: "switch", .text, "Every port of it."),
      Field(optional: "all", .boolean, "Every port of the lab."),
    ])
}

extension LabDocument.Capture.Ring {
  static let shape = Shape.object(
    "LabCaptureRing", "Files that are written in turn.",
    [
      Field("files", .integer(Limits.ringFiles), "How many."),
      Field("size", .integer(Limits.ringSize), "Bytes of each."),
    ])
}

extension LabDocument.Node {
  static let shape = Shape.object(
    "LabNode", "A node.",
    [
      Field("name", .text, "Its name."),
      Field("kind", .text, "`vm`, `netns`, `external`, `tap`, `nic`, `container`, `dhcp`."),
      Field(
        optional: "image", .text,
        "`builtin`, `none`, a name of the catalogue, or an absolute path, which over TCP is one of the catalogue's; or the "
          + "name of a container's."),
      Field(optional: "cpus", .integer(Limits.cpus), "Processors of a machine."),
      Field(optional: "memory", .integer(0...Limits.memory.upperBound), "Bytes."),
      Field(optional: "nics", .list(LabDocument.NIC.shape), "In the order the node sees them."),
      Field(optional: "disk", LabDocument.Disk.shape, "The image's file."),
      Field(optional: "cloud_init", LabDocument.CloudInit.shape, "What cloud-init is told on the first boot."),
      Field(optional: "ready", LabDocument.Ready.shape, "What tells that it is ready."),
      Field(optional: "after", .list(LabDocument.Condition.shape), "What has to be true before it starts."),
      Field(optional: "force", .boolean, "Interfaces of the host are taken though they have addresses."),
      Field(optional: "firmware", .choice(Firmware.allCases.map(\.rawValue)), "What it begins with, as a rule `bios`."),
      Field(
        optional: "boot", .list(.choice(BootSource.allCases.map(\.rawValue))), "What its firmware tries, in this order."
      ),
      Field(optional: "empty_disk", .integer(Limits.emptyDisk), "Bytes of the disk of a machine without an image."),
      Field(optional: "dhcp", LabDocument.DHCP.shape, "What a node of kind `dhcp` serves."),
      Field(optional: "container", LabDocument.Container.shape, "What a container is."),
      Field(optional: "appliance", LabDocument.Appliance.shape, "What `image` is, where it is an appliance."),
    ] + setupFields)
}

extension LabDocument.Disk {
  static let shape = Shape.object(
    "LabDisk", "The disk of a machine from an image.",
    [
      Field("format", .choice(DiskDefinition.Format.allCases.map(\.rawValue)), "Of the image's file."),
      Field(optional: "sha256", .text, "That the file must have."),
      Field(optional: "persist", .boolean, "What the machine has written stays."),
    ])
}

extension LabDocument.CloudInit {
  static let shape = Shape.object(
    "LabCloudInit", "The seed of cloud-init's NoCloud.",
    [
      Field(optional: "user_data", Text.shape, "In place of an empty `#cloud-config`."),
      Field(optional: "meta_data", Text.shape, "In place of the names of lab and node."),
      Field(optional: "network_config", Text.shape, "In place of the NICs' addresses."),
    ])
}

extension LabDocument.CloudInit.Text {
  static let shape = Shape.object(
    "LabText", "A document: one of these keys.",
    [
      Field(optional: "file", .text, "Absolute path.").onSocket(),
      Field(optional: "text", .text, "The document itself."),
    ])
}

extension LabDocument.Ready {
  static let shape = Shape.object(
    "LabReady", "When a machine counts as ready: all that is said is true.",
    [
      Field(optional: "console", .text, "Its console has shown this."),
      Field(optional: "tcp", .integer(1...65535), "This port accepts a connection."),
      Field(optional: "agent", .boolean, "Its agent answers."),
      Field(optional: "timeout", .numbers(Limits.readyTimeout), "Seconds that it may take."),
    ])
}

extension LabDocument.Condition {
  static let shape = Shape.object(
    "LabCondition", "What another node must have come to.",
    [
      Field("node", .text, "The other one."),
      Field(optional: "state", .choice(StartCondition.State.allCases.map(\.rawValue)), "To what."),
    ])
}

extension LabDocument.NIC {
  static let shape = Shape.object(
    "LabNIC", "A NIC: on a switch, at an end of a wire, or nowhere.",
    [
      Field("name", .text, "Its name."), Field("mac", .text, "Its address."),
      Field(optional: "switch", .text, "The switch that it is on."),
    ] + membership + [
      Field(optional: "wire", .text, "The wire that it is an end of."),
      Field(optional: "addresses", .list(LabDocument.Address.shape), "In file order."),
      Field(optional: "gateway", .text, "Of the default route."),
      Field(optional: "routes", .list(LabDocument.Route.shape), "Static routes."),
      Field(optional: "mtu", .integer(Limits.mtu), "Bytes; 1500 and no limit in the switch without it."),
      Field(optional: "queues", .integer(Limits.queues), "Pairs of rings."),
      Field(optional: "role", .choice(NICDefinition.Role.allCases.map(\.rawValue)), "Of the daemon at the socket."),
      Field(optional: "socket", .text, "Path of the socket.").onSocket(),
      Field(optional: "socket_mode", .integer(0...0o7777), "Permission bits."),
      Field(optional: "socket_owner", .text, "`user` or `user:group`."),
      Field(
        optional: "front_end", .choice(NICDefinition.FrontEnd.allCases.map(\.rawValue)), "What uses the socket."),
      Field(
        optional: "transport", .choice(NICDefinition.Transport.allCases.map(\.rawValue)),
        "What the socket of an external NIC carries; `vhost-user` without it."),
      Field(optional: "offload", LabDocument.Offload.shape, "What it and the switch leave to each other."),
      Field(
        optional: "migration_buffer", .integer(Limits.migrationBuffer),
        "Bytes of frames that wait while its machine moves; 4194304 without it."),
      Field(
        optional: "model", .choice(NICModel.allCases.map(\.rawValue)), "What it is to its machine; virtio without it."),
      Field(optional: "impair", LabDocument.Impairments.shape, "Of its link to its switch."),
      Field(optional: "rules", RuleSettings.shape, "What its port lets through; everything without it."),
    ])
}

extension LabDocument.Offload {
  static let shape = Shape.either(
    EitherShape(
      name: "", text: "`true` says on, `false` off; the words are taken too.",
      shapes: [.choice(NICDefinition.Offload.allCases.map(\.rawValue)), .boolean]))
}

extension LabDocument.Address {
  static let shape = Shape.object(
    "LabAddress", "An address of a NIC.",
    [
      Field("address", .text, "With prefix length."),
      Field(optional: "vlan", .vlan, "Of the VLAN subinterface that carries it."),
    ])
}

extension LabDocument.Route {
  static let shape = Shape.object(
    "LabRoute", "A static route.",
    [
      Field("to", .text, "A prefix, or `default`."), Field("via", .text, "The gateway."),
      Field(optional: "metric", .integer(Limits.metric), "The lower one of two routes is taken."),
      Field(optional: "onlink", .boolean, "The gateway is a neighbour, whatever addresses the NIC has."),
    ])
}
