import Testing

@testable import Topology

/// Nodes of kind `container` as they come out of the file.
@Suite struct ContainerTests {
  private func nodes(_ text: String) throws -> [NodeDefinition] {
    let result = load("version: 1\nname: test\ndefaults: { memory: 1G }\nnodes:\n\(text)")
    #expect(result.diagnostics.isEmpty, "\(result.diagnostics)")
    return try #require(result.lab).nodes
  }

  @Test func everyKeyIsTaken() throws {
    let node = try nodes(
      """
        web:
          kind: container
          image: registry.example:5000/a/web@sha256:00
          command: [httpd, -p, 80]
          env: { B: 10, A: "" }
          engine: docker
          restart: on-failure
          ready: { tcp: 80, timeout: 5s }
          after: other.started
          nics: { eth0: { address: 10.0.0.1/24 }, eth1: { switch: sw } }
        other: { kind: container, image: web, command: echo $HOME }
      switches: { sw: {} }
      vlans: { a: { id: 1, subnet: 10.1.0.0/24 } }

      """)
    var expected = ContainerDefinition()
    (expected.engine, expected.restart) = (.docker, .onFailure)
    (expected.command, expected.env) = (["httpd", "-p", "80"], ["A": "", "B": "10"])
    #expect(node[0].container == expected)
    #expect(node[0].image == "registry.example:5000/a/web@sha256:00")
    #expect(node[0].ready?.tcp == 80 && node[0].after?.map(\.node) == ["other"])
    #expect(node[0].memory == NodeDefinition(name: "a", kind: "vm").memory, "defaults are those of machines")
    #expect(node[1].container?.command == ["/bin/sh", "-c", "echo $HOME"])
  }

  @Test func profilesAndAttachedOnes() throws {
    let node = try nodes(
      """
        a: { profile: p, image: other }
        db: { kind: container, attach: mydb }
      profiles: { p: { kind: container, image: web, env: { A: b } } }

      """)
    #expect(node[0].image == "other" && node[0].container?.env == ["A": "b"])
    #expect(node[1].container?.attach == "mydb" && node[1].image == nil)
    #expect(!node[1].traits.isMachine && node[1].traits.hasOurInterfaces)
  }

  @Test func namesThatAreNoOptions() {
    for name in ["web", "localhost/web:1", "a.b_c-d"] { #expect(ContainerNames.isImage(name)) }
    for name in ["", "-v", "--rm", "/web", "a b", "a\nb", "a\0"] { #expect(!ContainerNames.isImage(name)) }
    for name in ["-a", "a/b", "a:b", ""] { #expect(!ContainerNames.isContainer(name)) }
    #expect(ContainerNames.isVariable("_A1") && !ContainerNames.isVariable("1A") && !ContainerNames.isVariable("A=B"))
  }
}
