import Dataplane
import Hummingbird
import Lab
import Topology

/// What changes ports and static entries; each is there once, however often it is asked for.
extension PortRoutes {
  var changes: [ServedRoute] {
    [
      API.portAdd.answers { call in
        let request = try await call.body().request
        return try await order.run {
          let port = try await service.addPort(request)
          return PortRow(port, isDetailed: true, rules: await service.ruleStatus(port: port.name))
        }
      },
      API.portSet.answersTagged { call in
        let change = try await call.body().change
        return try await order.run {
          try await check(call.condition, call.name)
          let port = try await service.setPort(call.name, change)
          let rules = await service.ruleStatus(port: port.name)
          return (PortRow(port, isDetailed: true, rules: rules), try port.tag(rules))
        }
      },
      API.portPut.responds { call in try await put(call) },
      API.portRemove.does { call in
        try await order.run {
          try await check(call.condition, call.name)
          if let port = PortName.find(call.name, in: await service.ports(), by: \.name), !port.isAdded {
            throw UserError(
              .different, "port \(port.name) is the lab file's, and only ports that were added can be removed",
              hint: "take it out of the file and say `apus up`")
          }
          try await service.removePort(call.name)
        }
      },
      API.fdbAdd.answers { call in
        let request = try await call.body().request
        return try await order.run { FDBRow(try await service.addStation(request)) }
      },
      API.fdbPut.responds { call in try await put(call) },
      API.fdbRemove.does { call in
        try await order.run {
          try await service.removeStation(call.name, switchName: call.query.switchName, vlan: call.query.vlan)
        }
      },
    ]
  }

  private func put(_ call: Call<NoQuery, Single<WantedPort>>) async throws -> Response {
    let request = try await call.body().request(call.name)
    return try await order.run {
      try await check(call.condition, call.name)
      let (port, isNew) = try await service.putPort(request)
      let rules = await service.ruleStatus(port: port.name)
      let row = PortRow(port, isDetailed: true, rules: rules)
      var response = try Answer.json(row, status: isNew ? .created : .ok)
      response.headers[.eTag] = try port.tag(rules).text
      return response
    }
  }

  private func put(_ call: Call<NoQuery, Single<WantedStation>>) async throws -> Response {
    let request = try await call.body().request(call.name)
    return try await order.run {
      let before = await service.fdb(switchName: request.switchName).filter(\.isStatic)
      let entry = try await service.addStation(request)
      let wasThere = before.contains { $0.address == entry.address && $0.vlan == entry.vlan }
      return try Answer.json(FDBRow(entry), status: wasThere ? .ok : .created)
    }
  }

  /// - Throws: `UserError` (`different`) when the port is not as the client has seen it, or is not there at all.
  private func check(_ condition: Precondition, _ name: String) async throws {
    guard condition.isSaid else { return }
    guard let port = PortName.find(name, in: await service.ports(), by: \.name) else {
      throw UserError(.different, "there is no port \"\(name)\", and If-Match asks for one", hint: "leave it out")
    }
    try condition.check(try port.tag(await service.ruleStatus(port: port.name)), of: "port \(port.name)")
  }
}

/// What can be set of a port, for its tag.
private struct PortWords: Encodable {
  var switchName: String?
  var kind: String
  var mode: String
  var pvid: Int?
  var allowed: [String]
  var mtu: Int
  var target: String?
  var offloads: [[String]]
  var rules: PortRules?
}

extension PortStatus {
  /// Of what can be set of it: VLANs, MTU, rules, and of a TAP its offloads.
  func tag(_ rules: RuleStatus?) throws -> EntityTag {
    let row = PortRow(self, isDetailed: true)
    let offloads = row.kind == "tap" ? row.offloads.map { [$0.toNode, $0.fromNode] } : nil
    return try EntityTag(
      of: PortWords(
        switchName: row.switchName, kind: row.kind, mode: row.mode, pvid: row.pvid, allowed: row.allowed,
        mtu: row.mtu, target: row.socket ?? row.interface, offloads: offloads ?? [], rules: rules?.rules))
  }
}
