import Dataplane
import Topology

/// Ports at run time as somebody wants them, whether they are there or not.
extension LabRuntime {
  /// Adds a port, or changes the VLANs, the MTU and the rules of one that was added before; the same once more changes nothing.
  ///
  /// What is behind a port, its switch, its queues, its role and its address are said once, when it is made.
  /// - Returns: the port afterwards, and whether it was made.
  /// - Throws: `UserError`; `different` for a port of the lab file, and for one that is something else.
  package func putPort(_ request: AddedPortRequest) async throws -> (port: PortStatus, isNew: Bool) {
    try await brief { () async throws(UserError) in
      guard let current, plane != nil else { throw Self.noLab }
      guard let old = runTime.ports.first(where: { $0.name == request.name }) else {
        if await plane?.ports().contains(where: { $0.name == request.name }) ?? false {
          throw UserError(
            .different, "port \(request.name) is the lab file's", hint: "PATCH changes it; or choose another name")
        }
        return (try await add(request), true)
      }
      let wanted = try AddedPort(request, in: current)
      if let other = wanted.otherwise(than: old, isAddressSaid: request.mac != nil) {
        throw UserError(
          .different, "port \(old.name) is there, and its \(other) is another one",
          hint: "these are said once, when a port is made: remove it, or choose another name")
      }
      try await set(old, request.settings(from: old), current)
      return (try await status(of: old.name), false)
    }
  }
}

extension AddedPort {
  /// The first thing that cannot change while the port is there, and that is not the same; nil if all is.
  fileprivate func otherwise(than old: AddedPort, isAddressSaid: Bool) -> String? {
    if switchName != old.switchName { return "switch" }
    if kind != old.kind { return "kind" }
    if target != old.target { return "target" }
    if role ?? .listen != old.role ?? .listen { return "role" }
    if queues ?? 1 != old.queues ?? 1 { return "number of queues" }
    if isAddressSaid, mac != old.mac { return "address" }
    return pod == old.pod ? nil : "pod"
  }
}

extension AddedPortRequest {
  /// What is to be changed of the port so that it is as this says; its MTU and what is not said of its rules stay.
  fileprivate func settings(from old: AddedPort) -> PortChange {
    var change = PortChange()
    (change.mtu, change.rules) = (mtu, rules)
    if let trunk {
      (change.trunk, change.native) = (trunk, native ?? "none")
    } else if native != nil {
      change.native = native
    } else {
      change.vlan = vlan ?? "1"
    }
    return change
  }
}
