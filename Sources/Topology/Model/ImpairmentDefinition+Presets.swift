/// Impairments that every lab has; a name of the file hides the one of that name.
extension ImpairmentDefinition {
  /// In the order the documentation has them.
  package static let presets: [(name: String, impairment: ImpairmentDefinition)] = [
    ("dsl", of(delay: 0.015, jitter: 0.003, loss: 0.001, rate: 16_000_000)),
    ("satellite", of(delay: 0.270, jitter: 0.010, loss: 0.005, rate: 20_000_000)),
    ("lossy-wifi", of(delay: 0.005, jitter: 0.004, loss: 0.03, rate: 30_000_000, duplicate: 0.001, reorder: 0.01)),
    ("3g", of(delay: 0.075, jitter: 0.025, loss: 0.005, rate: 2_000_000)),
    ("wan", of(delay: 0.030, jitter: 0.002, loss: 0.0005, rate: 100_000_000)),
  ]

  /// The preset of a name.
  package static func preset(_ name: String) -> ImpairmentDefinition? {
    presets.first { $0.name == name }?.impairment
  }

  private static func of(
    delay: Double, jitter: Double, loss: Double, rate: Int, duplicate: Double = 0, reorder: Double = 0
  ) -> ImpairmentDefinition {
    var definition = ImpairmentDefinition()
    definition.delay = delay
    definition.jitter = jitter
    definition.loss = loss
    definition.rate = rate
    definition.duplicate = duplicate
    definition.reorder = reorder
    return definition
  }
}
