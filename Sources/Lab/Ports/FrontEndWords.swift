import Dataplane
import Frames
import Topology

/// What to tell QEMU or libvirt so that a machine of theirs has a port's NIC.
package struct FrontEndWords: Sendable, Equatable {
  /// Words of QEMU's command line.
  package var memory: [String] = []
  package var device: [String] = []
  /// Elements of libvirt's domain: directly in `<domain>`, in its `<devices>`, and those of the namespace
  /// `http://libvirt.org/schemas/domain/qemu/1.0`; nil = there is nothing to say there.
  package var domain: String?
  package var interface: String?
  package var override: String?
  /// What has to be known beside the words of one or the other, a sentence each.
  package var qemuNotes: [String] = []
  package var libvirtNotes: [String] = []

  /// Of the machine's memory, as an example.
  private static let size = "1G"

  /// - Parameters:
  ///   - queues: pairs that the NIC is to have; nil = as many as the port says, and one where it takes any number.
  ///   - isPacked: whether to offer packed virtqueues; nil = if the front-end that is there has them.
  ///   - hasKVM: the machine runs by KVM.
  /// - Throws: `UserError` for a port that no machine of others can be at.
  package init(
    of port: PortStatus, in lab: CanonicalLab?, queues: Int?, isPacked: Bool?, hasKVM: Bool
  ) throws(UserError) {
    let nic = try Self.nic(of: port, in: lab)
    let end = try FrontEndSocket(port)
    if end.kind == .vhostUser {
      if let frontEnd = nic?.frontEnd {
        throw UserError(
          .badInput, "port \(port.name) is for \(frontEnd.rawValue), which counts queues in another way than QEMU",
          hint: "take \"front-end\" off its NIC in the lab file")
      }
      var count = queues ?? port.queues
      // A port that takes any number leaves it to the machine.
      if queues == nil, count == Self.mostQueues { count = 1 }
      guard count <= port.queues else {
        throw UserError(
          .badInput, "port \(port.name) offers \(port.queues) pairs of queues, not \(count)",
          hint: "say \"queues: \(count)\" on its NIC in the lab file")
      }
      let wasPacked = port.vhostUser?.isConnected == true && port.vhostUser?.queues.first?.ring == "packed"
      self.init(
        VirtioEnd(
          socket: end, mac: port.address, mtu: Self.mtu(of: port), queues: count, isPacked: isPacked ?? wasPacked,
          hasKVM: hasKVM))
      if queues == nil, port.queues > count {
        add(note: "the port offers \(port.queues) pairs of queues: --queues N for as many of them")
      }
    } else {
      guard queues ?? 1 == 1, isPacked != true else {
        throw UserError(
          .badInput, "port \(port.name) has no virtqueues: whole frames go over its socket",
          hint: "queues and packed rings are of vhost-user ports")
      }
      self.init(end, mac: port.address)
    }
    addAccess(nic, end)
  }

  /// Most pairs that a port offers.
  private static let mostQueues = 16

  private static func mtu(of port: PortStatus) -> Int? {
    port.mtu < PortConfiguration.largestMTU ? port.mtu : nil
  }

  /// What the lab file says of it; nil for a port that was added.
  private static func nic(of port: PortStatus, in lab: CanonicalLab?) throws(UserError) -> NICDefinition? {
    guard case .nic(let name, let nic)? = PortName(port.name), !port.isAdded,
      let node = lab?.nodes.first(where: { $0.name == name })
    else { return nil }
    guard node.kind != "vm" else {
      throw UserError(
        .badInput, "port \(port.name) has a machine: \(name) is of kind vm, which Apus runs",
        hint: "a machine that others run is a node of kind external")
    }
    return node.nics.first { $0.name == nic }
  }

  // MARK: - vhost-user

  /// A virtio NIC as a machine is to have it.
  private struct VirtioEnd {
    var socket: FrontEndSocket
    var mac: MACAddress?
    var mtu: Int?
    var queues: Int
    var isPacked: Bool
    var hasKVM: Bool

    /// One a ring, one for the control queue, one for changes; none without KVM, where QEMU 7.2 has to go without MSI-X.
    var vectors: Int? { hasKVM ? queues > 1 ? 2 * queues + 2 : nil : 0 }
  }

  private init(_ end: VirtioEnd) {
    let socket = end.socket
    memory = [
      "-m", Self.size, "-object", "memory-backend-memfd,id=ram,size=\(Self.size),share=on", "-machine",
      "memory-backend=ram",
    ]
    let mode = socket.connects ? "server=on" : "reconnect=1"
    var netdev = "vhost-user,id=\(socket.id),chardev=\(socket.id)-socket"
    var device = "virtio-net-pci,netdev=\(socket.id)"
    if let mac = end.mac { device += ",mac=\(mac)" }
    if end.queues > 1 {
      netdev += ",queues=\(end.queues)"
      device += ",mq=on"
    }
    if let vectors = end.vectors { device += ",vectors=\(vectors)" }
    if let mtu = end.mtu { device += ",host_mtu=\(mtu)" }
    if end.isPacked { device += ",packed=on" }
    self.device = [
      "-chardev", "socket,id=\(socket.id)-socket,path=\(QEMUCommandLine.escaped(socket.path)),\(mode)", "-netdev",
      netdev,
      "-device", device,
    ]
    domain = """
      <memoryBacking>
        <source type='memfd'/>
        <access mode='shared'/>
      </memoryBacking>
      """
    interface = Self.interface(end)
    override = Self.override(end)
    qemuNotes.append("the size of the memory (\(Self.size)) stands twice on QEMU's command line: change both")
    if !end.hasKVM {
      add(note: "vectors are 0 for a machine without KVM, which this host lacks; with KVM leave that out")
    }
  }

  private static func interface(_ end: VirtioEnd) -> String {
    let socket = end.socket
    var lines = ["<interface type='vhostuser'>"]
    if let mac = end.mac { lines.append("  <mac address='\(mac)'/>") }
    let source = "  <source type='unix' path='\(XMLText.attribute(socket.path))'"
    if socket.connects {
      lines.append("\(source) mode='server'/>")
    } else {
      lines += ["\(source) mode='client'>", "    <reconnect enabled='yes' timeout='1'/>", "  </source>"]
    }
    lines.append("  <model type='virtio'/>")
    let driver = (end.queues > 1 ? " queues='\(end.queues)'" : "") + (end.isPacked ? " packed='on'" : "")
    if !driver.isEmpty { lines.append("  <driver\(end.queues > 1 ? " name='vhost'" : "")\(driver)/>") }
    if end.mtu != nil || !end.hasKVM { lines.append("  <alias name='\(socket.alias)'/>") }
    return (lines + ["</interface>"]).joined(separator: "\n")
  }

  /// What libvirt has no words for: `<mtu>` keeps a vhost-user machine from starting, and vectors are its own affair.
  private static func override(_ end: VirtioEnd) -> String? {
    var properties: [String] = []
    if let mtu = end.mtu { properties.append("<qemu:property name='host_mtu' type='unsigned' value='\(mtu)'/>") }
    if !end.hasKVM { properties.append("<qemu:property name='vectors' type='unsigned' value='0'/>") }
    guard !properties.isEmpty else { return nil }
    let inner = properties.map { "      \($0)" }.joined(separator: "\n")
    return """
      <qemu:override>
        <qemu:device alias='\(end.socket.alias)'>
          <qemu:frontend>
      \(inner)
          </qemu:frontend>
        </qemu:device>
      </qemu:override>
      """
  }

  // MARK: - Frames as they are

  private init(_ socket: FrontEndSocket, mac: MACAddress?) {
    let path = QEMUCommandLine.escaped(socket.path)
    let netdev: String
    if let peer = socket.peer {
      netdev =
        "dgram,id=\(socket.id),local.type=unix,local.path=\(QEMUCommandLine.escaped(peer)),"
        + "remote.type=unix,remote.path=\(path)"
    } else {
      netdev = "stream,id=\(socket.id),server=\(socket.connects ? "on" : "off"),addr.type=unix,addr.path=\(path)"
    }
    device = ["-netdev", netdev, "-device", "e1000,netdev=\(socket.id)" + (mac.map { ",mac=\($0)" } ?? "")]
    override =
      "<qemu:commandline>\n"
      + device.map { "  <qemu:arg value='\(XMLText.attribute($0))'/>\n" }.joined() + "</qemu:commandline>"
    add(note: "any model that QEMU has will do in the place of e1000")
    libvirtNotes.append("libvirt has no element for such a socket: these are words that it hands to QEMU")
    if socket.peer == nil, !socket.connects {
      add(note: "QEMU 7.2 connects once, when it starts: bring up the lab before")
    }
  }

  // MARK: - Who may

  private mutating func add(note: String) {
    qemuNotes.append(note)
    libvirtNotes.append(note)
  }

  private mutating func addAccess(_ nic: NICDefinition?, _ end: FrontEndSocket) {
    if end.connects {
      add(note: "QEMU makes the socket: its user must be allowed to write in that folder")
    } else if nic?.socketMode == nil, nic?.socketOwner == nil {
      qemuNotes.append("a QEMU that is not root's needs \"socket-owner\" or \"socket-mode\" on the NIC in the lab file")
      libvirtNotes.append("libvirt's QEMU needs socket-owner: \"libvirt-qemu:kvm\" on the NIC in the lab file")
    }
  }
}

/// The socket of a port that a machine of others can be at.
private struct FrontEndSocket {
  let kind: PortStatus.Kind
  let path: String
  /// Where the machine binds its own; of datagrams alone.
  let peer: String?
  /// This product connects, and the machine listens.
  let connects: Bool
  /// What it is called in QEMU, and in libvirt as an alias.
  let id: String
  let alias: String

  /// - Throws: `UserError` for a port without one.
  init(_ port: PortStatus) throws(UserError) {
    kind = port.kind
    if let socket = port.vhostUser {
      (path, peer, connects) = (socket.socket, nil, socket.role == .connect)
    } else if let socket = port.socketPeer {
      (path, peer, connects) = (socket.path, socket.peerPath, socket.role == VhostUserSocket.Role.connect.rawValue)
    } else {
      let what = port.kind == .tap || port.kind == .nic ? "an interface of the host" : "the end of a trunk"
      throw UserError(
        .badInput, "port \(port.name) has no socket that a machine could be at: behind it is \(what)",
        hint: "a node of kind external has one, and so has `apus port add SWITCH NAME --vhost-user PATH`")
    }
    let letters = port.name.unicodeScalars.map { scalar -> Character in
      let isPlain = scalar.isASCII && scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
      return isPlain ? Character(scalar) : "-"
    }
    id = "apus-\(String(letters))"
    alias = "ua-\(id)"
  }
}

/// Text as XML has it.
enum XMLText {
  /// Within quotes of either kind.
  static func attribute(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "'": result += "&apos;"
      case "\"": result += "&quot;"
      default: result.append(character)
      }
    }
    return result
  }
}

extension FrontEndWords {
  /// Of this host.
  package static var hasKVM: Bool { Accelerator.ofThisHost() == .kvm }
}
