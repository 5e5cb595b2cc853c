extension Example {
  static let http: [Example] = [
    Example(
      "L005", "http of other types",
      text: #"""
        version: 1
        name: test
        http: { listen: lab.example.org:80, token-file: [], metrics: closed, names: [-a, a_b] }
        """#,
      expected: #"""
        test.lab.yaml:3:17: error[L005]: "listen" must be an address with a port, such as 127.0.0.1:8080 or [::1]:8080, found "lab.example.org:80"
            3 | http: { listen: lab.example.org:80, token-file: [], metrics: closed, names: [-a, a_b] }
              |                 ^^^^^^^^^^^^^^^^^^
        test.lab.yaml:3:49: error[L005]: "token-file" must be the name of a file, found list
            3 | http: { listen: lab.example.org:80, token-file: [], metrics: closed, names: [-a, a_b] }
              |                                                 ^
        test.lab.yaml:3:62: error[L006]: "metrics" must be one of token, open, found "closed"
            3 | http: { listen: lab.example.org:80, token-file: [], metrics: closed, names: [-a, a_b] }
              |                                                              ^^^^^^
        test.lab.yaml:3:78: error[L005]: "names" must be the name of a host, such as lab.example.org, found "-a"
            3 | http: { listen: lab.example.org:80, token-file: [], metrics: closed, names: [-a, a_b] }
              |                                                                              ^^
        test.lab.yaml:3:82: error[L005]: "names" must be the name of a host, such as lab.example.org, found "a_b"
            3 | http: { listen: lab.example.org:80, token-file: [], metrics: closed, names: [-a, a_b] }
              |                                                                                  ^^^
        """#),
    Example(
      "L301", "a token file that is not there",
      text: #"""
        version: 1
        name: test
        http: { token-file: secret }
        """#,
      expected: #"""
        test.lab.yaml:3:21: error[L301]: there is no token file "/labs/secret"
            3 | http: { token-file: secret }
              |                     ^^^^^^ make one: (umask 077; openssl rand -base64 32 >/labs/secret); or leave "token-file" out
        """#),
  ]
}
