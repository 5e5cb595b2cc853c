extension Example {
  static let containers: [Example] = [
    Example(
      "L004", "keys of other kinds",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: container, image: localhost/web, memory: 64M, persist: on }
          b: { kind: netns, command: top }
        """#,
      expected: #"""
        test.lab.yaml:4:47: error[L004]: "memory" is a key of kind vm, not of container
            4 |   a: { kind: container, image: localhost/web, memory: 64M, persist: on }
              |                                               ^^^^^^
        test.lab.yaml:4:60: error[L004]: "persist" is a key of kind vm, not of container
            4 |   a: { kind: container, image: localhost/web, memory: 64M, persist: on }
              |                                                            ^^^^^^^
        test.lab.yaml:5:21: error[L004]: "command" is a key of kind container, not of netns
            5 |   b: { kind: netns, command: top }
              |                     ^^^^^^^
        """#),
    Example(
      "L005", "values of another type",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: container, image: { file: disk.img } }
          b: { kind: container, image: --privileged }
          c: { kind: container, attach: ../other }
          d: { kind: container, image: web, env: [A, b] }
        """#,
      expected: #"""
        test.lab.yaml:4:32: error[L005]: "image" of a container must be the name of an image, found mapping
            4 |   a: { kind: container, image: { file: disk.img } }
              |                                ^ image: docker.io/library/alpine
        test.lab.yaml:5:32: error[L005]: "image" must be the name of an image such as docker.io/library/alpine, found "--privileged"
            5 |   b: { kind: container, image: --privileged }
              |                                ^^^^^^^^^^^^ `podman images` lists those that are here
        test.lab.yaml:6:33: error[L005]: "attach" must be the name of a container, found "../other"
            6 |   c: { kind: container, attach: ../other }
              |                                 ^^^^^^^^
        test.lab.yaml:7:42: error[L005]: "env" must be a mapping from names to values, found list
            7 |   d: { kind: container, image: web, env: [A, b] }
              |                                          ^ env: { LANG: C.UTF-8 }
        """#),
    Example(
      "L006", "words that are none of the choices",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: container, image: web, restart: allways, engine: lxc, command: [] }
        """#,
      expected: #"""
        test.lab.yaml:4:46: error[L006]: "restart" must be one of no, on-failure, always, found "allways"
            4 |   a: { kind: container, image: web, restart: allways, engine: lxc, command: [] }
              |                                              ^^^^^^^ did you mean "always"?
        test.lab.yaml:4:63: error[L006]: "engine" must be one of podman, docker, found "lxc"
            4 |   a: { kind: container, image: web, restart: allways, engine: lxc, command: [] }
              |                                                               ^^^
        test.lab.yaml:4:77: error[L006]: "command" must be a command, or a list of a program and its arguments, found an empty list
            4 |   a: { kind: container, image: web, restart: allways, engine: lxc, command: [] }
              |                                                                             ^
        """#),
    Example(
      "L007", "neither an image nor a container",
      text: #"""
        version: 1
        name: test
        defaults: { image: builtin }
        nodes:
          a: { kind: container }
        """#,
      expected: #"""
        test.lab.yaml:5:3: error[L007]: container "a" needs "image" or "attach"
            5 |   a: { kind: container }
              |   ^ image: docker.io/library/alpine
        """#),
    Example(
      "L101", "names of variables",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: container, image: web, env: { 1ST: a } }
        """#,
      expected: #"""
        test.lab.yaml:4:44: error[L101]: variable name "1ST" is not valid
            4 |   a: { kind: container, image: web, env: { 1ST: a } }
              |                                            ^^^ letters, digits and _, with no digit first
        """#),
    Example(
      "L202", "two nodes in one container",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: container, attach: web }
          b: { kind: container, attach: web }
        """#,
      expected: #"""
        test.lab.yaml:5:33: error[L202]: container "web" is attached to a and b
            5 |   b: { kind: container, attach: web }
              |                                 ^^^ one node can have several NICs
        test.lab.yaml:4:33: note: a attaches to it here
            4 |   a: { kind: container, attach: web }
              |                                 ^^^
        """#),
    Example(
      "L211", "what another one's container is made of, and an agent",
      text: #"""
        version: 1
        name: test
        nodes:
          a: { kind: container, attach: web, command: [top] }
          b: { kind: container, image: web, ready: { agent: on } }
        """#,
      expected: #"""
        test.lab.yaml:4:38: error[L211]: "command" is for a container that Apus makes, and "attach" names one that is there
            4 |   a: { kind: container, attach: web, command: [top] }
              |                                      ^^^^^^^
        test.lab.yaml:4:25: note: "attach" is here
            4 |   a: { kind: container, attach: web, command: [top] }
              |                         ^^^^^^
        test.lab.yaml:5:37: error[L211]: a container has no guest agent that could answer
            5 |   b: { kind: container, image: web, ready: { agent: on } }
              |                                     ^^^^^ containers are ready by "console" or "tcp", or as soon as they run
        """#),
    Example(
      "L311", "an engine that is not there", facts: TestFacts(missingPrograms: ["podman", "docker"]),
      text: #"""
        version: 1
        name: test
        nodes:
          a[1-2]: { kind: container, image: web }
          b: { kind: container, image: web, engine: docker }
        """#,
      expected: #"""
        test.lab.yaml:4:19: error[L311]: nodes of kind container need the program podman, which is not on this host
            4 |   a[1-2]: { kind: container, image: web }
              |                   ^^^^^^^^^ install it: apt-get install podman
        test.lab.yaml:5:45: error[L311]: nodes of kind container need the program docker, which is not on this host
            5 |   b: { kind: container, image: web, engine: docker }
              |                                             ^^^^^^ install it: apt-get install docker.io
        """#),
  ]
}
