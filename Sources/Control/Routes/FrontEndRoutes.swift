import Dataplane
import Hummingbird
import Lab
import NIOCore
import Topology

extension API {
  package static let portWords = Route<FrontEndQuery, NoBody, Single<FrontEndRow>>(
    .get, "/v1/ports/{port}/words", "What to tell QEMU or libvirt so that a machine of theirs is at the port.",
    errors: [.notFound])
}

/// What the machine is to be like.
package struct FrontEndQuery: RouteQuery {
  /// Nil = as many as the port says, and one where it takes any number.
  package var queues: Int?
  /// Nil = if the front-end that is there has them.
  package var packed: Bool?

  package init() {}

  package static let shape = Shape.object(
    "FrontEndQuery", "What the machine is to be like.",
    [
      Field(
        optional: "queues", .integer(1...16),
        "Pairs of queues; as many as the port says without it, and one where it takes any number."),
      Field(
        optional: "packed", .boolean,
        "Whether to offer packed virtqueues; without it if the front-end that is there has them."),
    ])
}

/// What `port show --qemu` and `--libvirt` tell.
package struct FrontEndRow: Described, Equatable {
  /// Words of a command line, without a shell's quotes.
  package struct QEMU: Described, Equatable {
    package var memory: [String]
    package var device: [String]
    /// What has to be known beside it, a sentence each.
    package var notes: [String]

    package static let shape = Shape.object(
      "QEMUWords", "Words of QEMU's command line, without a shell's quotes.",
      [
        Field("memory", .list(.text), "Once for a machine: its memory, which is shared; empty where it need not be."),
        Field("device", .list(.text), "The NIC, and what is behind it."),
        Field("notes", .list(.text), "What has to be known beside it, a sentence each."),
      ])
  }

  /// Elements of a domain; nil = there is nothing to say there.
  package struct Libvirt: Described, Equatable {
    package var domain: String?
    package var devices: String?
    package var qemu: String?
    /// What has to be known beside it, a sentence each.
    package var notes: [String]

    package static let shape = Shape.object(
      "LibvirtWords", "Elements of libvirt's domain; null where there is nothing to say.",
      [
        Field("domain", .nullable(.text), "In `<domain>`, once for a machine."),
        Field("devices", .nullable(.text), "In `<devices>`."),
        Field(
          "qemu", .nullable(.text),
          "At the end of `<domain>`, which needs `xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'`."),
        Field("notes", .list(.text), "What has to be known beside it, a sentence each."),
      ])

    package func encode(to encoder: any Encoder) throws {
      var row = encoder.container(keyedBy: CodingKeys.self)
      try row.encode(domain, forKey: .domain)
      try row.encode(devices, forKey: .devices)
      try row.encode(qemu, forKey: .qemu)
      try row.encode(notes, forKey: .notes)
    }
  }

  package var port: String
  package var qemu: QEMU
  package var libvirt: Libvirt

  init(_ words: FrontEndWords, port: String) {
    self.port = port
    qemu = QEMU(memory: words.memory, device: words.device, notes: words.qemuNotes)
    libvirt = Libvirt(
      domain: words.domain, devices: words.interface, qemu: words.override, notes: words.libvirtNotes)
  }

  package static let shape = Shape.object(
    "FrontEnd", "What to tell QEMU or libvirt so that a machine of theirs is at a port.",
    [
      Field("port", .text, "Its name."), Field("qemu", QEMU.shape, "For a command line."),
      Field("libvirt", Libvirt.shape, "For a domain."),
    ])
}

extension FrontEndRow {
  /// As a shell reads it: a line for the memory, which a machine has once, and one for the NIC.
  package var commandLine: String {
    [qemu.memory, qemu.device].filter { !$0.isEmpty }.map { words in
      words.map { ShellWord.quoted($0) }.joined(separator: " ") + "\n"
    }.joined()
  }

  /// With comments that say where each part goes.
  package var elements: String {
    let namespace = "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"
    let parts = [
      ("in <domain>, once", libvirt.domain), ("in <devices>", libvirt.devices),
      ("at the end of <domain \(namespace)>", libvirt.qemu),
    ]
    return parts.compactMap { place, text in text.map { "<!-- \(place) -->\n\($0)\n" } }.joined()
  }
}

/// What machines of others are told.
struct FrontEndRoutes: Routes {
  let service: any LabService

  var routes: [ServedRoute] {
    [
      API.portWords.answers { call in
        let port = try await service.port(call.name)
        let words = try FrontEndWords(
          of: port, in: await service.lab(), queues: call.query.queues, isPacked: call.query.packed,
          hasKVM: FrontEndWords.hasKVM)
        return FrontEndRow(words, port: port.name)
      }
    ]
  }
}
