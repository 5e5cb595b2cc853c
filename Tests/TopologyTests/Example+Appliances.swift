import Topology

extension TestFacts {
  /// A host with two appliances, and images that are not taken.
  static let appliances: TestFacts = {
    var facts = TestFacts(
      contents: [
        "/labs/one.ova": [0], "/labs/two.ova": [0], "/labs/empty.ova": [0], "/labs/many.ova": [0],
        "/labs/bad.qcow2": [0x51, 0x46, 0x49, 0xFB], "/labs/bad.ova": [0], "/images/kept.image": [0],
      ])
    facts.imageContents = [
      "/labs/one.ova": .success(.appliance(OVFTexts.one)), "/labs/two.ova": .success(.appliance(OVFTexts.two)),
      "/labs/empty.ova": .success(.appliance(OVFTexts.descriptor(OVFTexts.system("a", "")))),
      "/labs/many.ova": .success(
        .appliance(OVFTexts.descriptor(OVFTexts.system("a", OVFTexts.disk + OVFTexts.processors(4000))))),
      "/labs/bad.qcow2": .failure(ImageFault("keeps its data in another file", hint: "make one file of it")),
      "/labs/bad.ova": .failure(ImageFault("has a member ../a, which leads out of it")),
      "/images/kept.image": .success(.disk(.qcow2)),
    ]
    return facts
  }()
}

extension Example {
  static let appliances: [Example] = [
    Example(
      "L320", "networks of an appliance that lead nowhere", facts: .appliances,
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: vm, image: one.ova }
        """#,
      expected: #"""
        test.lab.yaml:4:25: note[L320]: eth0 of the appliance, on network "VM Network", leads nowhere: networks: { "VM Network": { switch: ... } } plugs it in
            4 |   a: { kind: vm, image: one.ova }
              |                         ^^^^^^^
        test.lab.yaml:4:25: note[L320]: eth1 of the appliance, on no network, leads nowhere: nics: { eth1: { switch: ... } } plugs it in
            4 |   a: { kind: vm, image: one.ova }
              |                         ^^^^^^^
        """#),
    Example(
      "L320", "hardware that no machine has, and properties that are not the user's", facts: .appliances,
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: vm, image: empty.ova }
          b: { kind: vm, image: many.ova }
          c: { kind: vm, image: { file: one.ova, properties: { build: 2 } }, networks: { VM Network: }, nics: { eth1: } }
        """#,
      expected: #"""
        test.lab.yaml:4:25: error[L320]: appliance "empty.ova": its system "a" has no disk
            4 |   a: { kind: vm, image: empty.ova }
              |                         ^^^^^^^^^
        test.lab.yaml:5:25: error[L320]: appliance "many.ova": it asks for 4000 processors
            5 |   b: { kind: vm, image: many.ova }
              |                         ^^^^^^^^
        test.lab.yaml:6:56: error[L320]: property "build" of the appliance is not the user's to set
            6 |   c: { kind: vm, image: { file: one.ova, properties: { build: 2 } }, networks: { VM Network: }, nics: { eth1: } }
              |                                                        ^^^^^
        """#),
    Example(
      "L201", "names that an appliance does not have", facts: .appliances,
      text: #"""
        version: 1
        name: test
        switches: { sw1: }
        nodes:
          a:
            kind: vm
            image: { file: one.ova, properties: { hostnam: x } }
            networks: { VM Netwrok: { switch: sw1 }, VM Network: { switch: sw1 } }
            nics: { eth1: }
          b: { kind: vm, image: { file: two.ova, system: wbe } }
          c: { kind: vm, image: { file: one.ova, configuration: large } }
        """#,
      expected: #"""
        test.lab.yaml:7:43: error[L201]: the appliance has no property "hostnam"
            7 |     image: { file: one.ova, properties: { hostnam: x } }
              |                                           ^^^^^^^ did you mean "hostname"? it has: hostname, build
        test.lab.yaml:8:17: error[L201]: the appliance has no network "VM Netwrok"
            8 |     networks: { VM Netwrok: { switch: sw1 }, VM Network: { switch: sw1 } }
              |                 ^^^^^^^^^^ did you mean "VM Network"? it has: VM Network
        test.lab.yaml:10:50: error[L201]: the appliance has no virtual system "wbe"
           10 |   b: { kind: vm, image: { file: two.ova, system: wbe } }
              |                                                  ^^^ did you mean "web"? it has: web, db
        test.lab.yaml:11:57: error[L201]: the appliance has no configuration "large"
           11 |   c: { kind: vm, image: { file: one.ova, configuration: large } }
              |                                                         ^^^^^ it has none
        """#),
    Example(
      "L007", "an appliance of which one system has to be chosen", facts: .appliances,
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: vm, image: two.ova }
        """#,
      expected: #"""
        test.lab.yaml:4:25: error[L007]: appliance "two.ova" has 2 virtual systems; say which one
            4 |   a: { kind: vm, image: two.ova }
              |                         ^^^^^^^ image: { file: two.ova, system: web } (it has: web, db)
        """#),
    Example(
      "L211", "keys of appliances where there is none", facts: .appliances,
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: vm, networks: { lan: } }
          b: { kind: vm, image: { file: kept, system: x, configuration: y, properties: { a: b } } }
        """#,
      expected: #"""
        test.lab.yaml:4:30: error[L211]: "networks" is a key of machines from an appliance, and this one's image is none
            4 |   a: { kind: vm, networks: { lan: } }
              |                              ^^^
        test.lab.yaml:5:47: error[L211]: "system" is a key of machines from an appliance, and this one's image is none
            5 |   b: { kind: vm, image: { file: kept, system: x, configuration: y, properties: { a: b } } }
              |                                               ^
        test.lab.yaml:5:65: error[L211]: "configuration" is a key of machines from an appliance, and this one's image is none
            5 |   b: { kind: vm, image: { file: kept, system: x, configuration: y, properties: { a: b } } }
              |                                                                 ^
        test.lab.yaml:5:82: error[L211]: "properties" is a key of machines from an appliance, and this one's image is none
            5 |   b: { kind: vm, image: { file: kept, system: x, configuration: y, properties: { a: b } } }
              |                                                                                  ^
        """#),
    Example(
      "L302", "images that are not taken", facts: .appliances,
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: vm, image: bad.qcow2 }
          b: { kind: vm, image: bad.ova, networks: { lan: } }
          c: { kind: vm, image: { file: kept, format: raw } }
        """#,
      expected: #"""
        test.lab.yaml:4:25: error[L302]: image "bad.qcow2": keeps its data in another file
            4 |   a: { kind: vm, image: bad.qcow2 }
              |                         ^^^^^^^^^ make one file of it
        test.lab.yaml:5:25: error[L302]: image "bad.ova": has a member ../a, which leads out of it
            5 |   b: { kind: vm, image: bad.ova, networks: { lan: } }
              |                         ^^^^^^^
        test.lab.yaml:6:47: error[L302]: image "kept" is qcow2, not raw
            6 |   c: { kind: vm, image: { file: kept, format: raw } }
              |                                               ^^^ leave "format" out, or write format: qcow2
        """#),
  ]
}
