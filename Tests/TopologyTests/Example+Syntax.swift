extension Example {
  static let syntax: [Example] = [
    Example(
      "L001", "a tab as indentation",
      text: #"""
        version: 1
        name: test
        switches:
        	sw1: {}
        """#,
      expected: #"""
        test.lab.yaml:4:1: error[L001]: cannot read YAML: found a tab where indentation was expected
            4 | 	sw1: {}
              | ^
        """#),
    Example(
      "L001", "an open bracket",
      text: #"""
        version: 1
        name: test
        switches: { sw1: {}
        nodes: {}
        """#,
      expected: #"""
        test.lab.yaml:4:1: error[L001]: cannot read YAML: did not find expected ',' or '}', while parsing a flow mapping that starts at 3:11
            4 | nodes: {}
              | ^
        """#),
    Example(
      "L001", "an unquoted variable inside braces",
      text: #"""
        version: 1
        name: test
        nodes: { a: { kind: vm, image: ${IMAGE:-builtin} } }
        """#,
      expected: #"""
        test.lab.yaml:3:33: error[L001]: cannot read YAML: did not find expected ',' or '}', while parsing a flow mapping that starts at 3:13
            3 | nodes: { a: { kind: vm, image: ${IMAGE:-builtin} } }
              |                                 ^ inside { } and [ ] a value with ${...} needs quotes
        """#),
    Example(
      "L001", "a second document",
      text: #"""
        version: 1
        name: test
        ---
        version: 1
        """#,
      expected: #"""
        test.lab.yaml:3:1: error[L001]: a second document starts here; a lab file holds one
            3 | ---
              | ^
        """#),
    Example(
      "L002", "a key twice",
      text: #"""
        version: 1
        name: test
        switches:
          sw1: {}
          sw2: {}
          sw1: { aging: 10s }
        """#,
      expected: #"""
        test.lab.yaml:6:3: error[L002]: key "sw1" is already defined at 4:3
            6 |   sw1: { aging: 10s }
              |   ^^^
        test.lab.yaml:4:3: note: "sw1" is first defined here
            4 |   sw1: {}
              |   ^^^
        """#),
    Example(
      "L002", "a key three times and one in another place",
      text: #"""
        version: 1
        name: test
        switches: { a: {}, a: {}, b: {}, a: {} }
        nodes:
          n: { kind: netns, kind: vm }
        """#,
      expected: #"""
        test.lab.yaml:3:20: error[L002]: key "a" is already defined at 3:13
            3 | switches: { a: {}, a: {}, b: {}, a: {} }
              |                    ^
        test.lab.yaml:3:13: note: "a" is first defined here
            3 | switches: { a: {}, a: {}, b: {}, a: {} }
              |             ^
        test.lab.yaml:3:34: error[L002]: key "a" is already defined at 3:13
            3 | switches: { a: {}, a: {}, b: {}, a: {} }
              |                                  ^
        test.lab.yaml:3:13: note: "a" is first defined here
            3 | switches: { a: {}, a: {}, b: {}, a: {} }
              |             ^
        test.lab.yaml:5:21: error[L002]: key "kind" is already defined at 5:8
            5 |   n: { kind: netns, kind: vm }
              |                     ^^^^
        test.lab.yaml:5:8: note: "kind" is first defined here
            5 |   n: { kind: netns, kind: vm }
              |        ^^^^
        """#),
    Example(
      "L003", "a misspelt key",
      text: #"""
        version: 1
        name: test
        switches: { sw1: { agin: 300s } }
        """#,
      expected: #"""
        test.lab.yaml:3:20: error[L003]: unknown key "agin" in switch
            3 | switches: { sw1: { agin: 300s } }
              |                    ^^^^ did you mean "aging"? (valid: aging, vlan-aware, link-local, fdb-size, fdb-per-port)
        """#),
    Example(
      "L003", "a key like no other",
      text: #"""
        version: 1
        name: test
        colour: red
        """#,
      expected: #"""
        test.lab.yaml:3:1: error[L003]: unknown key "colour" in lab
            3 | colour: red
              | ^^^^^^ valid: version, name, workers, http, defaults, profiles, vlans, port-profiles, switches, nodes, links, impairments, access, capture, recorder, tests
        """#),
    Example(
      "L004", "a section under another",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: netns }
          links:
            - { ends: [a, a] }
        """#,
      expected: #"""
        test.lab.yaml:5:3: error[L004]: "links" belongs at the top level, not under "nodes"
            5 |   links:
              |   ^^^^^
        """#),
    Example(
      "L004", "a section inside a node",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: netns, tests: [] }
        """#,
      expected: #"""
        test.lab.yaml:4:21: error[L004]: "tests" belongs at the top level, not in a node
            4 |   a: { kind: netns, tests: [] }
              |                     ^^^^^
        """#),
    Example(
      "L004", "a key of another mapping",
      text: #"""
        version: 1
        name: test
        switches:
          sw1: { subnet: 10.0.0.0/24 }
        """#,
      expected: #"""
        test.lab.yaml:4:10: error[L004]: "subnet" is a key of a VLAN, not of a switch
            4 |   sw1: { subnet: 10.0.0.0/24 }
              |          ^^^^^^ valid: aging, vlan-aware, link-local, fdb-size, fdb-per-port
        """#),
    Example(
      "L004", "a key of another kind",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: netns, memory: 64M, nics: { eth0: { role: connect } } }
          b: { kind: vm, nics: { eth0: { front-end: crosvm } } }
          c: { kind: tap, nics: { eth0: { migration-buffer: 1M } } }
        """#,
      expected: #"""
        test.lab.yaml:4:21: error[L004]: "memory" is a key of kind vm, not of netns
            4 |   a: { kind: netns, memory: 64M, nics: { eth0: { role: connect } } }
              |                     ^^^^^^
        test.lab.yaml:4:50: error[L004]: "role" is a NIC key of kind external, not of netns
            4 |   a: { kind: netns, memory: 64M, nics: { eth0: { role: connect } } }
              |                                                  ^^^^
        test.lab.yaml:5:34: error[L004]: "front-end" is a NIC key of kind external, not of vm
            5 |   b: { kind: vm, nics: { eth0: { front-end: crosvm } } }
              |                                  ^^^^^^^^^
        test.lab.yaml:6:35: error[L004]: "migration-buffer" is a NIC key of kind vm and external, not of tap
            6 |   c: { kind: tap, nics: { eth0: { migration-buffer: 1M } } }
              |                                   ^^^^^^^^^^^^^^^^
        """#),
  ]
}
