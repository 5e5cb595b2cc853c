extension LabReader {
  /// Reads `http:`.
  mutating func readHTTP(_ node: YAMLNode, owner: Span) {
    guard let object = ObjectReader(node, LabSchema.http, label: "\"http\"", owner: owner, reporter: reporter) else {
      return
    }
    var http = HTTPDraft()
    http.listen =
      object["listen"].flatMap { node in
        values.value(node, "listen", "an address with a port, such as 127.0.0.1:8080 or [::1]:8080") { HTTPAddress($0) }
      }?.value
    http.tokenFile = object["token-file"].flatMap { node in
      values.value(node, "token-file", "the name of a file") { $0.isEmpty ? nil : $0 }
    }
    http.metrics = object["metrics"].flatMap { values.choice($0, "metrics") }?.value
    if let node = object["names"], let items = values.items(node, "names", of: "names of hosts", allowsSingle: true) {
      http.names = items.compactMap { item in
        values.value(item, "names", "the name of a host, such as lab.example.org") { Names.host($0) }?.value
      }
    }
    draft.http = http
  }
}

extension Names {
  /// The name of a host as DNS has it (RFC 1123 section 2.1), in lower case and without a dot at its end.
  /// - Returns: nil for one that is none.
  package static func host(_ text: String) -> String? {
    let name = text.hasSuffix(".") ? text.dropLast() : Substring(text)
    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
    let isName = labels.allSatisfy { label in
      (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
        && label.utf8.allSatisfy { UnicodeScalar($0).isHostCharacter }
    }
    return isName && (1...253).contains(name.utf8.count) ? name.lowercased() : nil
  }
}

extension UnicodeScalar {
  /// A letter, a digit, or a hyphen.
  fileprivate var isHostCharacter: Bool {
    switch self {
    case "a"..."z", "A"..."Z", "0"..."9", "-": true
    default: false
    }
  }
}
