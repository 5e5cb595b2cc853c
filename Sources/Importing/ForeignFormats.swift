/// The formats that can be read, one line each.
package enum ForeignFormats {
  package static let all: [any ForeignFormat] = [
    CMLFormat(),
    ContainerlabFormat(),
    EVEFormat(),
    GNS3Format(),
    KatharaFormat(),
    LibvirtFormat(),
    OVFFormat(),
    NetlabFormat(),
  ]

  package static func named(_ name: String) -> (any ForeignFormat)? { all.first { $0.name == name } }
}
