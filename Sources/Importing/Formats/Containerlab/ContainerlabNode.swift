import Topology

/// What a node says itself, and what its group, its kind and the defaults say of it.
struct ContainerlabNode {
  /// From the particular to the general: node, group, kind, defaults.
  private let layers: [Layer]
  let kind: String
  /// A label, or the name of an entry under `groups`.
  let group: String?

  /// A mapping and its values by their keys.
  struct Layer {
    var entries: [(key: String, line: Int, value: ForeignValue)]
    private var values: [String: ForeignValue]

    init(_ value: ForeignValue) {
      entries = value.mapping ?? []
      values = Dictionary(entries.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    subscript(key: String) -> ForeignValue? { values[key] }
  }

  /// Where values come from beside the nodes themselves.
  struct Sources {
    var kinds: [String: Layer]
    var groups: [String: Layer]
    var defaults: Layer?

    init(_ topology: ForeignValue) {
      kinds = Self.byName(topology["kinds"])
      groups = Self.byName(topology["groups"])
      defaults = topology["defaults"].map { Layer($0) }
    }

    private static func byName(_ value: ForeignValue?) -> [String: Layer] {
      Dictionary((value?.mapping ?? []).map { ($0.key, Layer($0.value)) }, uniquingKeysWith: { first, _ in first })
    }
  }

  init(_ value: ForeignValue, _ sources: Sources) {
    let node = Layer(value)
    let own = node["group"]?.text
    let fallback = sources.defaults?["group"]?.text
    let entries = [own, fallback].compactMap { $0.flatMap { sources.groups[$0] } }
    let kind =
      node["kind"]?.text ?? entries.lazy.compactMap { $0["kind"]?.text }.first ?? sources.defaults?["kind"]?.text ?? ""
    self.kind = kind
    group = own ?? sources.kinds[kind]?["group"]?.text ?? fallback
    layers = [node, group.flatMap { sources.groups[$0] }, sources.kinds[kind], sources.defaults].compactMap { $0 }
  }

  /// The most particular value of a key.
  func value(_ key: String) -> ForeignValue? {
    layers.lazy.compactMap { $0[key] }.first { !$0.isNull }
  }

  /// Lists are joined from the general to the particular; what is there twice counts at its first place.
  func list(_ key: String) -> [ForeignValue] {
    var seen: Set<String> = []
    return layers.reversed().flatMap { $0[key]?.list ?? [] }.filter { item in
      item.text.map { seen.insert($0).inserted } ?? false
    }
  }

  /// Mappings are joined key by key.
  func mapping(_ key: String) -> [(key: String, line: Int, value: ForeignValue)] {
    var result: [(key: String, line: Int, value: ForeignValue)] = []
    var places: [String: Int] = [:]
    for layer in layers.reversed() {
      for entry in layer[key]?.mapping ?? [] {
        if let place = places[entry.key] {
          result[place] = entry
        } else {
          places[entry.key] = result.count
          result.append(entry)
        }
      }
    }
    return result
  }

  /// All keys that it has from anywhere, with the lines of the most particular.
  var keys: [(key: String, line: Int)] {
    var seen: Set<String> = []
    return layers.flatMap { $0.entries }.filter { seen.insert($0.key).inserted }.map { ($0.key, $0.line) }
  }
}
