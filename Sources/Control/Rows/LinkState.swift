import Lab
import Topology

/// What `PUT /v1/links/{link}` takes: all that can be said of a link at run time.
package struct LinkState: Described, Equatable {
  /// Ends whose carrier is away; nil = none.
  package var down: [String]?
  /// Values as the lab file writes them, by its keys, by the end that sends; nil = nothing is impaired.
  package var impair: [String: [String: String]]?

  package init(down: [String]? = nil, impair: [String: [String: String]]? = nil) {
    (self.down, self.impair) = (down, impair)
  }

  /// As it is now.
  init(_ link: LinkStatus) {
    down = link.down
    impair = LinkRow(link).impair
  }

  var wish: LinkWish { LinkWish(down: down ?? [], impair: impair ?? [:]) }

  package static let shape = Shape.object(
    "LinkState", "All that can be said of a link; what is left out is up, and not impaired.",
    [
      Field(optional: "down", .list(.text), "Ends whose carrier is away."),
      Field(
        optional: "impair", .map(.map(.text)),
        "By the end that sends, values as the lab file writes them, by its keys: `delay`: `40ms`."),
    ])
}
