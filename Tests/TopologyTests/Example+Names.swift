extension Example {
  static let names: [Example] = [
    Example(
      "L101", "names against the pattern",
      text: #"""
        version: 1
        name: test
        switches: { Core_1: {}, -a: {} }
        vlans: { 20: 20 }
        nodes: { all: { kind: netns, nics: { 0eth: {} } } }
        """#,
      expected: #"""
        test.lab.yaml:3:13: error[L101]: switch name "Core_1" is not valid
            3 | switches: { Core_1: {}, -a: {} }
              |             ^^^^^^ names are 1 to 63 of a-z 0-9 -, with no - at either end; did you mean "core-1"?
        test.lab.yaml:3:25: error[L101]: switch name "-a" is not valid
            3 | switches: { Core_1: {}, -a: {} }
              |                         ^^ names are 1 to 63 of a-z 0-9 -, with no - at either end
        test.lab.yaml:4:10: error[L101]: VLAN name "20" is a number; a VLAN's name must have a letter
            4 | vlans: { 20: 20 }
              |          ^^
        test.lab.yaml:5:10: error[L101]: "all" is a reserved name
            5 | nodes: { all: { kind: netns, nics: { 0eth: {} } } }
              |          ^^^
        test.lab.yaml:5:38: error[L101]: NIC name "0eth" is not valid
            5 | nodes: { all: { kind: netns, nics: { 0eth: {} } } }
              |                                      ^^^^ NIC names are 1 to 15 of a-z 0-9 . _ -, starting with a letter
        """#),
    Example(
      "L101", "a lab with the name of a folder beside the labs'",
      text: #"""
        version: 1
        name: images
        switches: { images: {}, saved: {} }
        """#,
      expected: #"""
        test.lab.yaml:2:7: error[L101]: a lab cannot be called "images": the folder of images is called so
            2 | name: images
              |       ^^^^^^
        """#),
    Example(
      "L101", "a lab that would be saved where labs are saved",
      text: #"""
        version: 1
        name: saved
        """#,
      expected: #"""
        test.lab.yaml:2:7: error[L101]: a lab cannot be called "saved": the folder of saved labs is called so
            2 | name: saved
              |       ^^^^^
        """#),
    Example(
      "L101", "a broken range",
      text: #"""
        version: 1
        name: test
        nodes:
          vm[3-1]: { kind: netns }
        """#,
      expected: #"""
        test.lab.yaml:4:3: error[L101]: "vm[3-1]" is not a name or a range of names
            4 |   vm[3-1]: { kind: netns }
              |   ^^^^^^^ a range is written vm[1-3]
        """#),
    Example(
      "L102", "a range that runs into a node",
      text: #"""
        version: 1
        name: test
        nodes:
          vm[1-3]: { kind: netns }
          vm2: { kind: netns }
        """#,
      expected: #"""
        test.lab.yaml:5:3: error[L102]: node "vm2" is defined twice (by "vm[1-3]" at 4:3 and 5:3)
            5 |   vm2: { kind: netns }
              |   ^^^
        test.lab.yaml:4:3: note: node "vm2" is first defined here
            4 |   vm[1-3]: { kind: netns }
              |   ^^^^^^^
        """#),
    Example(
      "L102", "ranges that overlap",
      text: #"""
        version: 1
        name: test
        nodes:
          vm[1-9]: { kind: netns }
          vm[5-14]: { kind: netns }
        """#,
      expected: #"""
        test.lab.yaml:5:3: error[L102]: node "vm5" is defined twice (by "vm[1-9]" at 4:3 and by "vm[5-14]" at 5:3)
            5 |   vm[5-14]: { kind: netns }
              |   ^^^^^^^^
        test.lab.yaml:4:3: note: node "vm5" is first defined here
            4 |   vm[1-9]: { kind: netns }
              |   ^^^^^^^
        """#),
    Example(
      "L102", "a node named as a switch",
      text: #"""
        version: 1
        name: test
        switches: { core: {} }
        nodes: { core: { kind: netns } }
        """#,
      expected: #"""
        test.lab.yaml:4:10: error[L102]: node "core" has the name of the switch at 3:13
            4 | nodes: { core: { kind: netns } }
              |          ^^^^
        test.lab.yaml:3:13: note: switch "core" is first defined here
            3 | switches: { core: {} }
              |             ^^^^
        """#),
    Example(
      "L102", "two links between the same switches",
      text: #"""
        version: 1
        name: test
        switches: { a: {}, b: {} }
        links:
          - { ends: [a, b], vlan: 10 }
          - { ends: [a, b], vlan: 20 }
        """#,
      expected: #"""
        test.lab.yaml:6:5: error[L102]: link "a--b" is defined twice (5:5 and 6:5)
            6 |   - { ends: [a, b], vlan: 20 }
              |     ^ give the link another "name"
        test.lab.yaml:5:5: note: link "a--b" is first defined here
            5 |   - { ends: [a, b], vlan: 10 }
              |     ^
        test.lab.yaml:6:5: warning[L204]: a and b form a loop in VLAN 10: frames will circulate
            6 |   - { ends: [a, b], vlan: 20 }
              |     ^ no spanning tree runs; remove a link, or a VLAN from it
        test.lab.yaml:5:14: note: a and b are linked here
            5 |   - { ends: [a, b], vlan: 10 }
              |              ^
        """#),
  ]
}
