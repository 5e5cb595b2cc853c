/// What became of a lab file.
package struct LoadResult: Sendable {
  /// Nil when there are errors.
  package var lab: CanonicalLab?
  /// In file order; at most 50 errors, or as many as were asked for.
  package var diagnostics: [Diagnostic]

  /// Which lab it is, also when the file has errors; nil when its name cannot be read.
  package var identity: LabIdentity?

  package var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }
}

/// Which lab a file is.
package struct LabIdentity: Sendable, Equatable {
  /// One that a lab may have.
  package var name: String
  /// Absolute path of the file, "-" = standard input: `source` of the lab.
  package var source: String
}

/// Reads, checks and normalises a lab file.
///
/// Pure: the same arguments give the same result.
///
/// - Parameters:
///   - directory: Absolute folder of the file; relative paths in the file are relative to it.
///   - environment: Variables for `${NAME}`.
///   - errorLimit: Most errors that are reported; nil = 50.
package func loadLab(
  _ source: SourceText, directory: String, facts: any LabFacts, environment: [String: String],
  errorLimit: Int? = nil
) -> LoadResult {
  let reporter = Reporter(path: source.path, limit: errorLimit ?? Reporter.limit)
  let lab = load(source, directory, facts, environment, reporter)
  let identity = lab.flatMap { lab in
    Names.validLab(lab.name) ? LabIdentity(name: lab.name, source: lab.source) : nil
  }
  return LoadResult(lab: reporter.hasErrors ? nil : lab, diagnostics: reporter.sorted(), identity: identity)
}

private func load(
  _ source: SourceText, _ directory: String, _ facts: any LabFacts, _ environment: [String: String],
  _ reporter: Reporter
) -> CanonicalLab? {
  var yaml = YAMLReader(source, environment: environment, reporter: reporter)
  guard let root = yaml.read() else {
    if !reporter.hasErrors { reporter.error(.missing, .start, "the file is empty") }
    return nil
  }
  var reader = LabReader(reporter: reporter)
  guard var draft = reader.read(root) else { return nil }
  let images = ImageTable(facts: facts, directory: directory)
  ApplianceTable(images: images, reporter: reporter).furnish(&draft)
  Wiring(draft, index: NameIndex(draft), reporter: reporter).wire(&draft)
  let vlans = VLANTable(draft, reporter: reporter)
  let normaliser = Normaliser(
    draft: draft, directory: directory, reporter: reporter, vlans: vlans, images: images,
    unaware: UnawareSwitches(draft, reporter: reporter))
  var lab = normaliser.lab(source: source.path)
  let subject = RuleSubject(
    draft: draft, lab: lab, facts: facts, reporter: reporter, vlans: vlans, images: images)
  for rule in Rule.all { rule.check(subject) }
  // Last: rules find the nodes of the file by their places.
  lab.nodes += DHCPPlan(draft).nodes(of: lab)
  return lab
}
