import Dataplane
import Topology

/// Carriers of NICs: as they were set, and as machines are told of the other ends of their wires.
extension LabRuntime {
  /// `link set` took the carrier of a port away.
  func isSetDown(_ port: String) -> Bool {
    linksInOrder().contains { link in
      guard link.endPorts.contains(port), let said = runTime.links[link.name] else { return false }
      return link.isDown(port, said)
    }
  }

  /// Carrier of a NIC's port from the start.
  func isWanted(_ nic: NICDefinition, of node: NodeDefinition) -> Bool {
    nic.attachment != .none && !runTime.stopped.contains(node.name)
      && !isSetDown(Names.port(node: node.name, nic: nic.name))
  }

  /// Tells machines of the other ends of their wires until the data plane ends.
  ///
  /// - Parameter delay: how long they are left alone at first: while guests come back to another daemon, each end would
  ///   see the other one go.
  func followHeldPorts(of plane: Dataplane, after delay: Duration) async {
    guard (try? await Task.sleep(for: delay)) != nil else { return }
    tellsMachines = true
    await tellMachines()
    for await _ in plane.heldPortChanges { await tellMachines() }
  }

  /// Tells each machine which of its NICs are on wires without another end.
  func tellMachines() async {
    guard tellsMachines else { return }
    // What was heard last is told last.
    await brief {
      guard let held = await plane?.heldPorts() else { return }
      for node in nodesInOrder where node.showsCarriers {
        let name = node.definition.name
        let down = node.definition.nics.map(\.name).filter {
          held.contains(Names.port(node: name, nic: $0))
        }
        await node.setFarEnds(down: Set(down))
      }
    }
  }
}
