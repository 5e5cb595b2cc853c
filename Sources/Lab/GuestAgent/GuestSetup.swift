/// What a built-in guest says of the setup of its network: how many steps were done, and which were not.
struct GuestSetup: Sendable, Equatable {
  /// Faults that are kept, and characters of each: a guest may say anything.
  static let faultLimit = 10
  static let textLimit = 300

  /// Steps that were done; nil = the guest does not say, as those of older versions.
  var steps: Int?
  /// The guest's words, of the first ones.
  private(set) var faults: [String] = []
  private(set) var faultCount = 0

  /// Takes the guest's words about a step that was not done.
  mutating func note(fault: String) {
    faultCount += 1
    guard faults.count < Self.faultLimit else { return }
    faults.append(Self.printable(fault))
  }

  /// Takes what the guest's script has written: a line for each step that was not done.
  init(lines: String) {
    for line in lines.split(whereSeparator: \.isNewline) { note(fault: String(line)) }
  }

  init() {}

  /// All faults in one line.
  var words: String {
    let rest = faultCount - faults.count
    return faults.joined(separator: "; ") + (rest > 0 ? "; and \(rest) more" : "")
  }

  /// - Parameter expected: steps that the guest was told; nil = not known, by a machine that an older version started.
  /// - Throws: if not all of them were done.
  func check(expected: Int?, node: String) throws(UserError) {
    guard let expected else { return }
    guard let steps else {
      throw UserError(
        .failed, "node \(node): its guest does not say what became of its network; it is older than this apus",
        hint: "run tools/setup, or set APUS_GUEST_DIR to the guest of this version")
    }
    guard faultCount > 0 || steps != expected else { return }
    let words = faultCount > 0 ? words : "\(steps) of \(expected) steps were done"
    throw UserError(.failed, "node \(node): its guest could not set up its network: \(words)")
  }

  /// The text without what could steer a terminal.
  private static func printable(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.prefix(textLimit).map { 0x20..<0x7F ~= $0.value ? $0 : "?" }))
  }
}
