import Lab
import Topology

extension API {
  package static let links = Route<NoQuery, NoBody, Single<[LinkRow]>>(
    .get, "/v1/links", "The links of the lab.")
  package static let linkShow = Route<NoQuery, NoBody, Single<LinkRow>>(
    .get, "/v1/links/{link}", "One link; `node:nic` means the same as `node.nic`.", errors: [.notFound], isTagged: true)
  package static let link = Route<NoQuery, Single<LinkRequest>, Single<LinkRow>>(
    .post, "/v1/links/{link}", "The same as PATCH, for clients that have no such method.",
    errors: [.notFound], isTagged: true)
  package static let linkChange = Route<NoQuery, Single<LinkRequest>, Single<LinkRow>>(
    .patch, "/v1/links/{link}", "Changes a link's carrier or impairments; answers how it is then.",
    errors: [.notFound], isTagged: true)
  package static let linkPut = Route<NoQuery, Single<LinkState>, Single<LinkRow>>(
    .put, "/v1/links/{link}", "Makes a link so, whatever was said of it before; answers how it is then.",
    errors: [.notFound], isTagged: true)
  package static let linkReset = Route<NoQuery, NoBody, Single<LinkRow>>(
    .post, "/v1/links/{link}/reset", "Takes a link back to what the lab file says.", errors: [.notFound],
    isTagged: true)
}

/// Carrier and impairments of links.
struct LinkRoutes: Routes {
  let service: any LabService
  let order: ChangeOrder

  var routes: [ServedRoute] {
    [
      API.links.answers { _ in await service.links().map { LinkRow($0) } },
      API.linkShow.answersTagged { call in
        let link = try await service.link(call.name)
        return (LinkRow(link), try link.tag)
      },
      API.link.answersTagged { call in
        try await change(call.name, call.condition, try await call.body().change)
      },
      API.linkChange.answersTagged { call in
        try await change(call.name, call.condition, try await call.body().change)
      },
      API.linkPut.answersTagged { call in
        var change = LinkChange()
        change.wish = try await call.body().wish
        return try await self.change(call.name, call.condition, change)
      },
      API.linkReset.answersTagged { call in
        var change = LinkChange()
        change.isReset = true
        return try await self.change(call.name, call.condition, change)
      },
    ]
  }

  private func change(
    _ name: String, _ condition: Precondition, _ change: LinkChange
  ) async throws -> (LinkRow, EntityTag) {
    try await order.run {
      if condition.isSaid { try condition.check(try await service.link(name).tag, of: "link \(name)") }
      let link = try await service.setLink(name, change)
      return (LinkRow(link), try link.tag)
    }
  }
}

extension LabService {
  /// The link of that name; `node:nic` means the same as `node.nic`.
  /// - Throws: `UserError` that lists the links there are.
  func link(_ name: String) async throws -> LinkStatus {
    let links = await links()
    if let link = PortName.find(name, in: links, by: \.name) { return link }
    guard await lab() != nil else { throw LabRuntime.noLab }
    let known = links.isEmpty ? "there are none" : links.map(\.name).prefix(20).joined(separator: ", ")
    throw UserError(.notFound, "no link \"\(name)\"", hint: "links: \(known)")
  }
}

extension LinkStatus {
  /// Of what can be set: which ends are down by somebody's word, and impairments.
  fileprivate var tag: EntityTag { get throws { try EntityTag(of: LinkState(self)) } }
}
