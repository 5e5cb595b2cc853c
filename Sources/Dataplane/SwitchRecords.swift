internal import LinuxHost

/// The switches of a data plane, found by name or number.
///
/// As for ports, a switch's number is free when the worker has let go of it.
struct SwitchRecords {
  struct Record {
    var index: Int
    var configuration: SwitchConfiguration
    /// What all threads share of it.
    let table: SwitchTable
  }

  private var table = NameTable<String, Record>(numbers: 0..<Int.max)

  /// Takes a name and a number for a switch that is coming.
  /// - Throws: `nameTaken`, and `host` where there is no memory for its stations.
  mutating func reserve(
    _ configuration: SwitchConfiguration
  ) throws(DataplaneError) -> (index: Int, table: SwitchTable) {
    guard !table.isTaken(configuration.name) else { throw .nameTaken(configuration.name) }
    let shared: SwitchTable
    do throws(SystemError) {
      shared = try SwitchTable(configuration)
    } catch {
      throw Self.noMemory(configuration, "\(error)")
    }
    let number = table.reserve(configuration.name) {
      Record(index: $0, configuration: configuration, table: shared)
    }
    guard let number else { throw .nameTaken(configuration.name) }
    return (number, shared)
  }

  /// There is no room for the stations that a switch is to know.
  static func noMemory(_ configuration: SwitchConfiguration, _ reason: String) -> DataplaneError {
    .host("switch \(configuration.name): no memory for a table of \(configuration.fdbLimit) stations: \(reason)")
  }

  mutating func settle(_ index: Int) { table.settle(index) }
  mutating func dismiss(_ index: Int) { table.dismiss(index) }
  mutating func release(_ index: Int) { table.release(index) }

  mutating func change(_ index: Int, to configuration: SwitchConfiguration) {
    table.change(index) { record in
      record.configuration = configuration
      record.table.change(configuration)
    }
  }

  func find(_ name: String) -> Record? { table.find(name) }

  func name(of index: Int) -> String? { table.record(at: index)?.configuration.name }

  /// All switches that are there, in the order of their addition.
  var inOrder: [Record] { table.inOrder }
}
