import FoundationEssentials
import Lab
import TestSupport
import Testing
import Topology

@testable import Control

/// Labs that come over TCP: what they may name, and what they are told of this host.
@Suite(.timeLimit(.minutes(2))) struct RemoteLabTests {
  private static func text(_ node: String) -> String {
    """
    version: 1
    name: two
    switches: { sw1: {} }
    nodes:
      \(node)

    """
  }

  private static let yaml = ["content-type": "application/yaml"]

  private func folder(_ body: (String) async throws -> Void) async throws {
    let folder = try ServerFixture.makeFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
  }

  /// A file that is there and one that is not are the same to who asks over TCP.
  @Test(arguments: [
    "a: { kind: vm, image: FILE }", "a: { kind: vm, image: { file: FILE, format: raw } }",
    "a: { kind: vm, image: { file: FILE, sha256: SUM } }",
    "a: { kind: vm, image: builtin, cloud-init: { user-data: FILE } }",
    "a: { kind: dhcp, boot: { root: FOLDER, file: disk } }",
    "a: { kind: external, nics: { e: { switch: sw1, socket: FILE } } }",
  ])
  func nothingIsLearntOfFiles(_ node: String) async throws {
    try await folder { folder in
      for (name, bytes) in [("disk", [UInt8]("QFI\u{FB}".utf8) + [UInt8](repeating: 0, count: 600)), ("list", [1])] {
        try Data(bytes).write(to: URL(filePath: "\(folder)/\(name)"))
      }
      try await TCPFixture.run { (tcp) async throws in
        for (method, target) in [("POST", "/v1/validate"), ("PUT", "/v1/lab?dry-run=true")] {
          var answers: [String] = []
          for place in [folder, "\(folder)-none"] {
            for file in ["disk", "list"] {
              let said = node.replacing("FILE", with: "\(place)/\(file)").replacing("FOLDER", with: place)
                .replacing("SUM", with: String(repeating: "0", count: 64))
              let reply = try await tcp.ask(method, target, headers: Self.yaml, body: Self.text(said))
              #expect(reply.status != 500, "\(reply)")
              answers.append(
                "\(reply.status) "
                  + reply.body.replacing("\(place)/\(file)", with: "F").replacing(place, with: "F")
                  .replacing(#/"(column|length)":[0-9]+/#, with: "N"))
            }
          }
          #expect(Set(answers).count == 1, "\(answers)")
        }
      }
    }
  }

  @Test func noLabTurnsTheAPIElsewhere() async throws {
    let body = #"{"version":1,"name":"two","http":{"listen":"0.0.0.0:8080"}}"#
    let text = "version: 1\nname: two\nhttp: { listen: 0.0.0.0:8080 }\nswitches: { sw1: {} }\n"
    try await TCPFixture.run { (tcp) async throws in
      let json = try await tcp.ask("PUT", "/v1/lab", body: body)
      #expect(json.status == 403 && json.error?.message.contains("http of the body") == true, "\(json)")
      let yaml = try await tcp.ask("PUT", "/v1/lab", headers: Self.yaml, body: text)
      #expect(yaml.status == 403 && yaml.error?.message.contains("http of the body") == true, "\(yaml)")
    }
  }

  @Test(arguments: [
    "/x", "oci-archive:/x", "docker-archive:/x.tar", "dir:/x", "oci:/x:tag", "containers-storage:x", "sif:x", "x:/y",
  ])
  func containersNameNoFilesOfTheHost(_ image: String) async throws {
    let body = #"{"version":1,"name":"two","nodes":[{"name":"a","kind":"container","image":"\#(image)"}]}"#
    try await TCPFixture.run { (tcp) async throws in
      let reply = try await tcp.ask("PUT", "/v1/lab", body: body)
      #expect(reply.status == 403 && reply.error?.message.contains("nodes[0].image") == true, "\(reply)")
    }
  }

  @Test func aSessionNeedsFewBytes() async throws {
    try await TCPFixture.run { (tcp) async throws in
      for (size, status) in [(3000, 401), (5000, 413)] {
        let body = #"{"token":"\#(String(repeating: "abcdefgh", count: size / 8))"}"#
        #expect(try await tcp.ask("POST", "/v1/session", body: body, isTrusted: false).status == status)
      }
    }
  }

  // MARK: - Images of the catalogue

  /// Sent over TCP, named by its name in either form, and said once more as it was told.
  @Test func anImageOfTheCatalogueIsNamedOverTCP() async throws {
    let lab = FixedLab()
    try await TCPFixture.run(lab) { (tcp) async throws in
      defer { try? FileManager.default.removeItem(atPath: lab.directories.dataRoot) }
      let added = try await tcp.ask(
        "POST", "/v1/images?name=zeros&format=raw", headers: ["content-type": "application/octet-stream"],
        body: String(repeating: "\0", count: 4096))
      #expect(added.status == 201, "\(added)")
      let json = #"{"version":1,"name":"two","nodes":[{"name":"a","kind":"vm","image":"zeros"}]}"#
      #expect(try await tcp.ask("PUT", "/v1/lab", body: json).status == 200)
      let node = try #require(await lab.current?.nodes.first)
      #expect(node.image == "\(lab.directories.dataRoot)/images/zeros.image" && node.disk?.format == .raw)
      let told = try await tcp.ask("GET", "/v1/lab")
      #expect(told.status == 200)
      let again = try await tcp.ask("PUT", "/v1/lab", body: told.body)
      #expect(again.status == 200 && again.body.contains(#""plan":[]"#), "\(again)")
      let text = try await tcp.ask(
        "PUT", "/v1/lab", headers: Self.yaml, body: Self.text("a: { kind: vm, image: zeros }"))
      #expect(text.status == 200 && text.body.contains("plan"), "\(text)")
      #expect(await lab.current?.nodes.first?.image == node.image)
    }
  }

  /// Only by its name, or the path that stands for it.
  @Test(arguments: [
    ("ones", 400), ("zeros.image", 400), ("/etc/passwd", 403), ("../zeros", 403), ("IMAGES/zeros.raw", 403),
    ("IMAGES/../images/zeros.image", 403), ("IMAGES/.store", 403), ("IMAGES/ones.image", 403), ("./zeros", 403),
  ])
  func nothingElseIsOne(_ image: String, _ status: Int) async throws {
    let lab = FixedLab()
    try await TCPFixture.run(lab) { (tcp) async throws in
      let images = "\(lab.directories.dataRoot)/images"
      defer { try? FileManager.default.removeItem(atPath: lab.directories.dataRoot) }
      let added = try await tcp.ask(
        "POST", "/v1/images?name=zeros&format=raw", body: String(repeating: "\0", count: 4096))
      #expect(added.status == 201, "\(added)")
      try Data([1]).write(to: URL(filePath: "\(images)/zeros.raw"))
      let name = image.replacing("IMAGES", with: images)
      let json = #"{"version":1,"name":"two","nodes":[{"name":"a","kind":"vm","image":"\#(name)"}]}"#
      let reply = try await tcp.ask("PUT", "/v1/lab", body: json)
      #expect(reply.status == status, "\(reply)")
      #expect(await lab.current == FixedLab.definition)
    }
  }
}
