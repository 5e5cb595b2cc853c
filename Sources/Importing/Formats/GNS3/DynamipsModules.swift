/// The cards of the routers that Dynamips emulates: how many ports each has, and of what kind.
enum DynamipsModules {
  /// A port of a card.
  struct Port {
    var number: Int
    var isSerial: Bool
    var word: String
  }

  /// The ports of a card in a slot of the router; nil = a card that is not known.
  static func ports(ofModule module: String) -> [Port]? {
    guard let (word, count) = modules[module.uppercased()] else { return nil }
    let isSerial = !word.hasSuffix("thernet")
    return (0..<count).map { Port(number: $0, isSerial: isSerial, word: word) }
  }

  /// The ports of an interface card in a bay of the main board; its ports have numbers from 16, 32, 48.
  static func ports(ofCard card: String, bay: Int) -> [Port]? {
    guard let (word, count) = cards[card.uppercased()] else { return nil }
    let isSerial = !word.hasSuffix("thernet")
    return (0..<count).map { Port(number: 16 * (bay + 1) + $0, isSerial: isSerial, word: word) }
  }

  private static let modules: [String: (word: String, count: Int)] = [
    "C1700-MB-1FE": ("FastEthernet", 1), "C1700-MB-WIC1": ("FastEthernet", 1),
    "C2600-MB-1E": ("Ethernet", 1), "C2600-MB-2E": ("Ethernet", 2),
    "C2600-MB-1FE": ("FastEthernet", 1), "C2600-MB-2FE": ("FastEthernet", 2),
    "C7200-IO-FE": ("FastEthernet", 1), "C7200-IO-2FE": ("FastEthernet", 2), "C7200-IO-GE-E": ("GigabitEthernet", 1),
    "GT96100-FE": ("FastEthernet", 2), "LEOPARD-2FE": ("FastEthernet", 2),
    "NM-1E": ("Ethernet", 1), "NM-4E": ("Ethernet", 4), "NM-1FE-TX": ("FastEthernet", 1),
    "NM-16ESW": ("FastEthernet", 16), "NM-4T": ("Serial", 4),
    "PA-FE-TX": ("FastEthernet", 1), "PA-2FE-TX": ("FastEthernet", 2), "PA-GE": ("GigabitEthernet", 1),
    "PA-4E": ("Ethernet", 4), "PA-8E": ("Ethernet", 8), "PA-4T+": ("Serial", 4), "PA-8T": ("Serial", 8),
    "PA-A1": ("ATM", 1), "PA-POS-OC3": ("POS", 1),
  ]

  private static let cards: [String: (word: String, count: Int)] = [
    "WIC-1ENET": ("Ethernet", 1), "WIC-1T": ("Serial", 1), "WIC-2T": ("Serial", 2),
  ]
}
