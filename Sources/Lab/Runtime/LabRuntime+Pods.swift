import Dataplane

/// A port that a container runtime asked for, as it is now.
package struct PodPort: Sendable, Equatable {
  /// Of the port.
  package var name: String
  package var switchName: String
  /// Frames can go through it.
  package var carries: Bool
  package var attachment: PodAttachment

  package init(name: String, switchName: String, carries: Bool, attachment: PodAttachment) {
    (self.name, self.switchName, self.carries, self.attachment) = (name, switchName, carries, attachment)
  }
}

extension LabRuntime {
  /// The ports that container runtimes asked for, in their order.
  package func pods() async -> [PodPort] {
    let carrying = Set((await withPlane { await $0.ports() } ?? []).filter(\.carrier).map(\.name))
    return runTime.ports.compactMap { port in
      port.pod.map {
        PodPort(
          name: port.name, switchName: port.switchName, carries: carrying.contains(port.name), attachment: $0)
      }
    }
  }
}

extension AddedPort {
  /// It was a pod's, and what was behind it went while nobody served it: it never comes back.
  var isOfGonePod: Bool {
    guard pod != nil, let row = try? row else { return false }
    return !row.isThere(self)
  }
}
