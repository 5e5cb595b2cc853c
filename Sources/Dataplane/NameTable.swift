/// Things that have a name and a number: found by either at once, listed in the order of their addition.
///
/// A thing is *coming* from when its name and number are taken, *there* once everybody who goes by numbers knows it, and
/// *going* from when its name is given up until they have let go of it. Only what is there is found by its name and
/// listed, and a number is given again only when nobody holds it any more. So who changes something takes what it needs
/// in one step, and only then waits for others.
/// - Complexity: everything O(1) but taking and giving back numbers, O(log n) of those that came back, and `inOrder`,
///   O(n log n).
struct NameTable<Name: Hashable, Record> {
  private enum State { case coming, there, going }

  private struct Entry {
    var record: Record
    var name: Name
    var state = State.coming
    /// Rises with each addition.
    var serial: Int
  }

  /// By number, less the first one.
  private var entries: [Entry?] = []
  /// Of what is coming or there.
  private var numbers: [Name: Int] = [:]
  private var free: FreeNumbers
  private let first: Int
  private var lastSerial = 0

  /// - Parameter numbers: to be given, the lowest first.
  init(numbers: Range<Int>) {
    first = numbers.lowerBound
    free = FreeNumbers(numbers)
  }

  /// The name belongs to something that is coming or there.
  func isTaken(_ name: Name) -> Bool { numbers[name] != nil }

  /// Takes a free name and the lowest free number; the thing is coming from now on.
  ///
  /// - Returns: the number; nil if there is none left.
  mutating func reserve(_ name: Name, _ make: (Int) -> Record) -> Int? {
    precondition(numbers[name] == nil)
    guard let number = free.take() else { return nil }
    lastSerial += 1
    let entry = Entry(record: make(number), name: name, serial: lastSerial)
    if number - first == entries.count { entries.append(entry) } else { entries[number - first] = entry }
    numbers[name] = number
    return number
  }

  /// What was coming is there.
  mutating func settle(_ number: Int) {
    precondition(entries[number - first]?.state == .coming)
    entries[number - first]?.state = .there
  }

  /// Gives up the name of something that is there; its number stays taken.
  mutating func dismiss(_ number: Int) {
    guard let entry = entries[number - first] else { return }
    precondition(entry.state == .there)
    numbers[entry.name] = nil
    entries[number - first]?.state = .going
  }

  /// Gives back the number of something that is going or, since it could not be made, was coming.
  mutating func release(_ number: Int) {
    guard let entry = entries[number - first] else { return }
    precondition(entry.state != .there)
    if entry.state == .coming { numbers[entry.name] = nil }
    entries[number - first] = nil
    free.put(number)
  }

  /// The record of what is there by that name.
  func find(_ name: Name) -> Record? {
    guard let number = numbers[name], let entry = entries[number - first], entry.state == .there else { return nil }
    return entry.record
  }

  /// The record of whatever has that number, coming and going things too.
  func record(at number: Int) -> Record? {
    entries.indices.contains(number - first) ? entries[number - first]?.record : nil
  }

  /// Changes the record of something that has that number; nothing happens if nothing has.
  mutating func change(_ number: Int, _ body: (inout Record) -> Void) {
    guard var record = record(at: number) else { return }
    body(&record)
    entries[number - first]?.record = record
  }

  /// What is there, in the order of addition.
  var inOrder: [Record] {
    entries.compactMap { $0?.state == .there ? $0 : nil }.sorted { $0.serial < $1.serial }.map(\.record)
  }
}
