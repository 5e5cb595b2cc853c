import Lab

/// Whose interface is behind a port, as `POST /v1/ports` takes it.
package struct PodBody: Described, Equatable {
  package var network: String
  package var container: String
  package var interface: String
  package var namespace: String

  package init(_ pod: PodAttachment) {
    (network, container) = (pod.network, pod.container)
    (interface, namespace) = (pod.interface, pod.namespace)
  }

  var attachment: PodAttachment {
    PodAttachment(network: network, container: container, interface: interface, namespace: namespace)
  }

  static let fields = [
    Field("network", .text, "Name of the runtime's network."),
    Field("container", .text, "The runtime's id of the container."),
    Field("interface", .text, "Name of the interface in the container."),
    Field("namespace", .text, "Path of the container's network namespace.").onSocket(),
  ]

  package static let shape = Shape.object("Pod", "An interface of a container that a runtime made.", fields)
}

/// A port that a container runtime asked for.
package struct PodRow: Described, Equatable {
  /// Name of the port.
  package var port: String
  package var switchName: String
  package var carrier: String
  package var network: String
  package var container: String
  package var interface: String
  package var namespace: String

  init(_ pod: PodPort) {
    (port, switchName, carrier) = (pod.name, pod.switchName, pod.carries ? "up" : "down")
    (network, container) = (pod.attachment.network, pod.attachment.container)
    (interface, namespace) = (pod.attachment.interface, pod.attachment.namespace)
  }

  var attachment: PodAttachment {
    PodAttachment(network: network, container: container, interface: interface, namespace: namespace)
  }

  enum CodingKeys: String, CodingKey {
    case port
    case switchName = "switch"
    case carrier, network, container, interface, namespace
  }

  package static let shape = Shape.object(
    "PodPort", "A port that a container runtime asked for, through the CNI plugin.",
    [
      Field("port", .text, "Its name."), Field("switch", .text, "Name of its switch."),
      Field("carrier", .carrier, "What everybody sees."),
    ] + PodBody.fields)
}
