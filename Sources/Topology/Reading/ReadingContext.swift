/// What nodes and NICs take from other sections of the file.
///
/// A class, since the readers of all nodes share what it counts.
final class ReadingContext {
  var defaults = MachineDraft()
  var profiles = Profiles(what: "profile", section: "profiles")
  var portProfiles = Profiles(what: "port profile", section: "port-profiles")
  var impairments: ImpairmentReader
  /// Where the keys of the top level stand, by name.
  var sections: [String: Span] = [:] {
    didSet {
      profiles.declaredAt = sections["profiles"]
      portProfiles.declaredAt = sections["port-profiles"]
      impairments.declaredAt = sections["impairments"]
    }
  }

  init(reporter: Reporter) { impairments = ImpairmentReader(reporter: reporter) }
}
