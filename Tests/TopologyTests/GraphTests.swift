import Frames
import Testing

@testable import Topology

/// Where drawings of a lab put things.
@Suite struct GraphTests {
  private func lab(nodes: Int, switches: Int, wired: Bool = false) -> CanonicalLab {
    var lab = CanonicalLab(name: "a")
    lab.switches = (0..<switches).map { SwitchDefinition(name: "sw\($0)") }
    lab.nodes = (0..<nodes).map { number in
      var node = NodeDefinition(name: "n\(number)", kind: "netns")
      var nic = NICDefinition(name: "eth0", mac: MACAddress(bits: UInt64(number)))
      if switches > 0 { nic.attachment = .switchPort(switch: "sw\(number % switches)", mode: .access(1)) }
      node.nics = [nic]
      return node
    }
    if wired {
      lab.links = (0..<nodes).map { number in
        let ends = [number, (number + 1) % nodes].map { LinkEnd.nic(node: "n\($0)", nic: "eth0") }
        return LinkDefinition(name: "l\(number)", kind: .wire, ends: ends)
      }
    }
    return lab
  }

  @Test(arguments: [(0, 1), (1, 1), (2, 1), (9, 1), (50, 1), (200, 1), (200, 6), (7, 3), (12, 0), (1, 0)])
  func nothingLiesOnAnotherThing(nodes: Int, switches: Int) {
    let graph = LabGraph(lab(nodes: nodes, switches: switches, wired: switches == 0))
    #expect(graph.vertices.count == nodes + switches)
    for (index, one) in graph.vertices.enumerated() {
      #expect(one.x >= 64 && one.y >= 30)
      for other in graph.vertices[..<index] {
        #expect(abs(one.x - other.x) >= 130 || abs(one.y - other.y) >= 60, "\(one) and \(other)")
      }
    }
    let width = (graph.vertices.map(\.x).max() ?? 0) + 90
    let height = (graph.vertices.map(\.y).max() ?? 0) + 90
    if nodes >= 50 { #expect(Double(width) < 4 * Double(height) && height < 2 * width, "\(width) x \(height)") }
  }

  @Test func linksSayTheirPorts() {
    var lab = lab(nodes: 2, switches: 2)
    lab.links = [
      LinkDefinition(name: "core", kind: .trunk(.access(1)), ends: [.switchPort("sw0"), .switchPort("sw1")])
    ]
    let graph = LabGraph(lab)
    #expect(graph.edges.map(\.ports) == [["n0.eth0"], ["n1.eth0"], ["sw0:core", "sw1:core"]])
  }
}
