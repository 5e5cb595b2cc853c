import Testing

@testable import Topology

@Suite("Impairments")
struct ImpairmentTests {
  private func lab(_ body: String) throws -> CanonicalLab {
    let text = "version: 1\nname: test\n" + body
    #expect(rendered(text) == "")
    return try #require(load(text).lab)
  }

  @Test("a wire: a name of the file, for both directions")
  func named() throws {
    let lab = try lab(
      """
      nodes: { a: { kind: netns }, b: { kind: netns } }
      links: [{ ends: [a, b], impair: slow }]
      impairments:
        slow:
          { delay: 40ms, jitter: 5ms, loss: 0.5%, duplicate: 1%, reorder: 2%, corrupt: 100%, rate: 8Mbit, queue: 64 }
      """)
    var slow = ImpairmentDefinition()
    (slow.delay, slow.jitter, slow.loss, slow.duplicate) = (0.04, 0.005, 0.005, 0.01)
    (slow.reorder, slow.corrupt, slow.rate, slow.queue) = (0.02, 1, 8_000_000, 64)
    #expect(lab.links[0].impair == ImpairmentPair(fromFirst: slow, fromSecond: slow))
  }

  @Test("one direction, or one for each; a and b are the ends as written")
  func directions() throws {
    let lab = try lab(
      """
      switches: { sw1: {}, sw2: {} }
      nodes:
        a: { kind: netns }
        b: { kind: netns }
        c: { kind: netns, nics: { eth0: { switch: sw1, impair: { from-a: { loss: 100% }, from-b: { loss: 0% } } } } }
      links:
        - { ends: [a, b], impair: { from-b: { delay: 1ms } } }
        - { ends: [sw1, sw2], impair: { from-a: wan, from-b: { rate: 64kbit } } }
        - { ends: [sw1, a], impair: { from-b: { delay: 2ms } } }
        - { ends: [b, sw1], impair: { from-b: { delay: 3ms } } }
      """)
    #expect(lab.links[0].impair?.fromFirst == nil)
    #expect(lab.links[0].impair?.fromSecond?.delay == 0.001)
    #expect(lab.links[1].impair?.fromFirst == ImpairmentDefinition.preset("wan"))
    #expect(lab.links[1].impair?.fromSecond?.rate == 64000)
    let (a, b, c) = (lab.nodes[0].nics[1], lab.nodes[1].nics[1], lab.nodes[2].nics[0])
    #expect(a.impair?.fromFirst?.delay == 0.002)
    #expect(a.impair?.fromSecond == nil)
    #expect(b.impair?.fromFirst == nil)
    #expect(b.impair?.fromSecond?.delay == 0.003)
    #expect(c.impair?.fromFirst?.loss == 1)
    #expect(c.impair?.fromSecond == nil)
  }

  @Test("impairments that do nothing are none", arguments: ["{}", "", "{ loss: 0% }", "{ from-a: { rate: 0 } }"])
  func neutral(_ value: String) throws {
    let lab = try lab(
      """
      nodes: { a: { kind: netns }, b: { kind: netns } }
      links:
        - ends: [a, b]
          impair: \(value)
      """)
    #expect(lab.links[0].impair == nil)
  }

  @Test("a name of the file hides a preset; the presets fit the rules of the file")
  func presets() throws {
    let lab = try lab(
      """
      impairments: { dsl: { delay: 1s } }
      nodes: { a: { kind: netns }, b: { kind: netns } }
      links: [{ ends: [a, b], impair: dsl }, { ends: [a, b], impair: 3g }]
      """)
    #expect(lab.links[0].impair?.fromFirst?.delay == 1)
    #expect(lab.links[1].impair?.fromSecond?.rate == 2_000_000)
    #expect(ImpairmentDefinition.presets.map(\.name) == ["dsl", "satellite", "lossy-wifi", "3g", "wan"])
    for (name, impairment) in ImpairmentDefinition.presets {
      #expect(Names.valid(name))
      #expect(impairment.contradiction == nil, "\(name)")
      #expect(!impairment.isNeutral, "\(name)")
    }
  }

  @Test("keys are set from text as on a command line")
  func texts() throws {
    var impairment = ImpairmentDefinition()
    try impairment.set(.delay, to: "250us")
    try impairment.set(.rate, to: "1.5gbit")
    try impairment.set(.loss, to: "0")
    #expect(impairment.delay == 0.00025)
    #expect(impairment.rate == 1_500_000_000)
    #expect(throws: ImpairmentDefinition.ValueFault.type("a ratio such as 0.5%")) { try impairment.set(.loss, to: "5") }
    #expect(throws: ImpairmentDefinition.ValueFault.range("0%..100%")) { try impairment.set(.corrupt, to: "101%") }
    #expect(throws: ImpairmentDefinition.ValueFault.range("1..100000")) { try impairment.set(.queue, to: "0") }
    #expect(throws: ImpairmentDefinition.ValueFault.type("a rate such as 8Mbit")) {
      try impairment.set(.rate, to: "8M")
    }
    #expect(throws: ImpairmentDefinition.ValueFault.type("a time such as 40ms")) {
      try impairment.set(.delay, to: "-1s")
    }
  }
}
