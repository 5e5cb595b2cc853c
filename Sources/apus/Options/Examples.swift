import ArgumentParser

/// Command lines that show what a command is for: the end of its help, and the section EXAMPLES of its manual page.
///
/// A test demands some of every command, and that each can be read.
struct Examples {
  /// A line with what it does.
  struct Line: Sendable {
    var words: String
    /// As somebody types it; what is behind a `|` or `>` is the shell's.
    var command: String

    init(_ command: String, _ words: String) {
      self.command = command
      self.words = words
    }
  }

  /// By the words that call the command, without the program's.
  static let all: [String: [Line]] = [
    labs, nodes, network, ports, links, addresses, program,
  ].reduce(into: [:]) { all, part in all.merge(part) { first, _ in first } }

  /// The end of a command's help; empty when there are none.
  static func text(_ path: String) -> String {
    guard let lines = all[path] else { return "" }
    return "Examples:\n" + lines.map { "  # \($0.words)\n  \($0.command)" }.joined(separator: "\n")
  }

  private static let labs: [String: [Line]] = [
    "up": [
      Line("apus up campus.lab.yaml", "bring the lab up, or make it what the file says now"),
      Line("apus up campus.lab.yaml --dry-run", "only say what would be done"),
      Line("apus up campus.lab.yaml --allow-restart", "also where machines have to start again"),
      Line("apus up campus.lab.yaml --from /srv/campus-monday", "go on with it as it was saved"),
    ],
    "save": [
      Line("apus save campus", "write it into a folder of its own, and go on"),
      Line("apus save campus /srv/campus-monday --stop", "into this folder, and take the lab down"),
    ],
    "down": [
      Line("apus down campus", "take the lab down and remove everything of it"),
      Line("apus down campus.lab.yaml", "the same, by its file"),
      Line("apus down --all", "every lab"),
    ],
    "upgrade": [
      Line("apus upgrade campus", "this program goes on with the lab, and no guest notices"),
      Line("apus upgrade campus --to /usr/bin/apus", "another one does"),
      Line("apus upgrade --all", "the same with every lab"),
    ],
    "ps": [
      Line("apus ps", "all labs and their nodes"),
      Line("apus ps --lab campus -o json", "of one lab, for programs"),
    ],
    "validate": [
      Line("apus validate campus.lab.yaml", "find mistakes without starting anything"),
      Line("apus validate campus.lab.yaml --canonical", "everything spelt out"),
    ],
    "test": [
      Line("apus test campus", "run the tests of a lab that is up"),
      Line("apus test campus.lab.yaml --junit results.xml", "bring it up, test it, take it down: for CI"),
    ],
    "graph": [
      Line("apus graph campus.lab.yaml --format svg > campus.svg", "a drawing of the file"),
      Line("apus graph campus", "of the lab that is up, with its state, in Mermaid"),
    ],
    "import": [
      Line("apus import spine.clab.yml -o spine.lab.yaml", "of a containerlab file"),
      Line("apus import static-routing/ --from kathara", "of a Kathara folder, to standard output"),
      Line("apus import spine.clab.yml --report lost.json > s.lab.yaml", "with all that is lost, for programs"),
    ],
  ]

  private static let nodes: [String: [Line]] = [
    "exec": [
      Line("apus exec vm1 -- ping -c 3 10.0.20.2", "run a command in a node"),
      Line("apus exec -it vm1 -- sh", "a shell with a terminal"),
    ],
    "console": [
      Line("apus console vm1", "the serial console of a machine; Ctrl-] leaves"),
      Line("apus console vm1 --steal", "also if somebody else has it"),
    ],
    "logs": [Line("apus logs vm1", "what a machine said on its console")],
    "start": [Line("apus start vm1", "start a node that was stopped")],
    "stop": [Line("apus stop vm1", "stop a node; its links stay")],
    "restart": [Line("apus restart vm1", "stop a node and start it again")],
    "migrate": [
      Line("apus migrate vm1", "into a new QEMU, while its guest runs"),
      Line("apus migrate vm1 --bandwidth 800Mbit --downtime 50ms", "sending less a second, standing still for less"),
    ],
  ]

  private static let network: [String: [Line]] = [
    "access": [Line("apus access list", "the rules of access lists, with their hits")],
    "access list": [
      Line("apus access list", "the rules of access lists, with their hits"),
      Line("apus access list -o json", "for programs"),
    ],
    "vlan": [Line("apus vlan list", "which port belongs to which VLAN")],
    "vlan list": [Line("apus vlan list", "which port belongs to which VLAN")],
    "capture": [
      Line("apus capture vm1.eth0", "a line for each frame of a port"),
      Line("apus capture core -w core.pcapng --duration 30s", "a link, half a minute, into a file"),
      Line("apus capture all -f 'icmp or arp' -w - | wireshark -k -i -", "the whole lab, live in Wireshark"),
      Line("apus capture vm1 --last 10s -w before.pcapng", "what was on a node's ports just now"),
    ],
    "trace": [
      Line("apus trace vm1.eth0 dst=vm2.eth0", "why a frame reaches its station, or does not"),
      Line("apus trace vm1.eth0 vlan=10 type=arp", "a tagged ARP frame to all"),
      Line("apus trace a.eth0 dst=b.eth0 from=10.0.0.1 to=10.0.0.2 port=22", "which rule a packet meets"),
    ],
    "stats": [
      Line("apus stats", "counters of workers and ports"),
      Line("apus stats --watch", "again every second, with rates"),
      Line("apus stats --watch -o jsonl", "the same for programs"),
    ],
    "top": [
      Line("apus top", "watch the busiest ports"),
      Line("apus top --view nodes --filter vm", "nodes with vm in a text"),
      Line("apus top --batch -n 3", "three tables, for scripts"),
    ],
    "events": [
      Line("apus events", "what happens from now on, until Ctrl-C"),
      Line("apus events --since 5m --type link,port", "links and ports, from five minutes ago on"),
      Line("apus events -o jsonl", "an object a line, for programs"),
    ],
    "worker": [Line("apus worker list", "how busy the threads are that move frames")],
    "worker list": [Line("apus worker list", "how busy the threads are that move frames")],
  ]

  private static let ports: [String: [Line]] = [
    "port": [
      Line("apus port list", "all ports with their counters"),
      Line("apus port add sw1 probe --tap probe0 --vlan 20", "a TAP of this host on a switch"),
    ],
    "port list": [
      Line("apus port list", "all ports with their counters"),
      Line("apus port list -o json", "for programs"),
    ],
    "port show": [
      Line("apus port show vm1.eth0", "rings, features, drops of one port"),
      Line("apus port show guest.eth0 --libvirt", "what to paste into a libvirt domain"),
      Line("apus port show guest.eth0 --qemu --queues 2", "the same for QEMU's command line"),
    ],
    "port add": [
      Line("apus port add sw1 probe --tap probe0 --vlan 20", "a TAP of this host in a VLAN"),
      Line("apus port add sw1 guest --vhost-user /tmp/guest.sock", "a socket for a machine that somebody else runs"),
      Line("apus port add sw1 uplink --nic eth1 --trunk 10,20-29", "an interface of this host as a trunk"),
      Line("apus port add sw1 probe --tap probe0 access=web isolated=on", "with rules from its first frame on"),
    ],
    "port set": [
      Line("apus port set vm1.eth0 vlan=30", "put a port into another VLAN"),
      Line("apus port set vm1.eth0 trunk=10,20 native=10", "make it a trunk"),
      Line("apus port set vm1.eth0 access=web ip-lock=on", "have it let through what an access list says"),
      Line("apus port set vm1.eth0 rate.from-node=10Mbit storm.broadcast=100/s", "limit what its node sends"),
      Line("apus port set vm1.eth0 access=none ip-lock=off", "let everything through again"),
    ],
    "port remove": [Line("apus port remove probe", "take a port away that was added")],
  ]

  private static let links: [String: [Line]] = [
    "link": [
      Line("apus link list", "links with carrier and impairments"),
      Line("apus link set core delay=40ms loss=0.5%", "make one slow and lossy"),
    ],
    "link list": [Line("apus link list", "links with carrier and impairments")],
    "link show": [Line("apus link show core", "one link")],
    "link set": [
      Line("apus link set core down", "pull the cable"),
      Line("apus link set core delay=40ms jitter=5ms loss=0.5%", "make it slow and lossy"),
      Line("apus link set core rate=8Mbit --from sw1", "limit one direction"),
    ],
    "link reset": [Line("apus link reset core", "back to what the lab file says")],
    "link flap": [Line("apus link flap core --down 500ms --up 2s --count 10", "a cable with a loose contact")],
  ]

  private static let addresses: [String: [Line]] = [
    "fdb": [
      Line("apus fdb list --switch sw1", "where a switch knows stations"),
      Line("apus fdb flush --port vm1.eth0", "forget those behind a port"),
    ],
    "fdb list": [Line("apus fdb list --switch sw1", "where a switch knows stations")],
    "fdb flush": [
      Line("apus fdb flush", "forget all learnt addresses"),
      Line("apus fdb flush --switch sw1 --vlan 20", "those of a VLAN on a switch"),
    ],
    "fdb add": [Line("apus fdb add sw1 02:00:00:00:00:01 vm1.eth0 --vlan 20", "a station that does not move")],
    "fdb remove": [Line("apus fdb remove sw1 02:00:00:00:00:01", "forget a station that was added")],
  ]

  private static let program: [String: [Line]] = [
    "image": [Line("apus image add debian-12.qcow2 --name debian", "keep an image that lab files call debian")],
    "image add": [
      Line("apus image add debian-12.qcow2 --name debian", "keep an image that lab files call debian"),
      Line("apus image add router.ova", "an appliance, under its own name"),
    ],
    "image list": [Line("apus image list", "all images")],
    "image show": [Line("apus image show debian", "format, size, firmware, user of one")],
    "image remove": [Line("apus image remove debian", "remove one that no disk lies over")],
    "doctor": [
      Line("apus doctor", "what this host lacks, and what dead labs left"),
      Line("apus doctor --clean", "remove what they left"),
    ],
    "schema": [Line("apus schema > apus.schema.json", "for editors that complete lab files")],
    "completion": [
      Line("apus completion bash > /etc/bash_completion.d/apus", "for every user of bash"),
      Line("apus completion fish > ~/.config/fish/completions/apus.fish", "for yourself"),
    ],
    "version": [Line("apus version", "which version this is")],
    "extcap": [Line("apus extcap --extcap-interfaces", "what Wireshark asks first")],
    "cni": [Line("CNI_COMMAND=VERSION apus cni", "what a container runtime asks first")],
  ]
}

extension CommandConfiguration {
  /// With the examples of a command at the end of its help.
  /// - Parameter path: the words that call it, without the program's.
  func withExamples(_ path: String) -> CommandConfiguration {
    var configuration = self
    configuration.discussion = [discussion, Examples.text(path)].filter { !$0.isEmpty }.joined(separator: "\n\n")
    return configuration
  }
}
