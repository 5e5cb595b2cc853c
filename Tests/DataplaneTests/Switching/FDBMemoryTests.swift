import Foundation
import LinuxHost
import Testing

@testable import Dataplane

/// What tables ask of the system, and what becomes of a switch that it has no room for.
@Suite struct FDBMemoryTests {
  /// Where the system gives huge pages to all who do not refuse, a nearly empty table is small too.
  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/sys/kernel/mm/transparent_hugepage")))
  func theBeginningOfATableIsNotInHugePages() throws {
    let deadline = ContinuousClock.now + .seconds(30)
    // Of another test a table may go at this moment: then once more.
    while try !isSmallAtTheBeginning() {
      guard ContinuousClock.now < deadline else {
        Issue.record("a new table has other mappings")
        break
      }
      HostClock.pause(microseconds: 10_000)
    }
  }

  /// A new table refuses huge pages for 2 MiB of its buckets, of the lines behind them, and of its entries by number, and
  /// wants them for all the rest.
  private func isSmallAtTheBeginning() throws -> Bool {
    let (refused, wanted) = (try mappedKibibytes("nh"), try mappedKibibytes("hg"))
    let fdb = try FDB(limit: 1 << 20, portCapacity: 4)
    let (refusedAfter, wantedAfter) = (try mappedKibibytes("nh"), try mappedKibibytes("hg"))
    #expect(fdb.count == 0)
    return refusedAfter - refused == 3 * 2048 && wantedAfter - wanted == (30 + 30 + 10) << 10
  }

  /// Size of the process's mappings that have a flag; see proc(5), VmFlags.
  private func mappedKibibytes(_ flag: Substring) throws -> Int {
    var (size, sum) = (0, 0)
    // In pieces: Foundation takes a file whose size is said to be 0 for a short one.
    let file = try #require(FileHandle(forReadingAtPath: "/proc/self/smaps"))
    var bytes: [UInt8] = []
    while let piece = try file.read(upToCount: 1 << 16), !piece.isEmpty { bytes += piece }
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.first == "Size:", words.count > 1 { size = Int(words[1]) ?? 0 }
      if words.first == "VmFlags:", words.contains(flag) { sum += size }
    }
    return sum
  }

  /// A switch that there is no memory for is refused, and its name is free.
  @Test func aTableThatFindsNoMemoryIsRefused() throws {
    #expect(throws: SystemError.self) { _ = try FDB(limit: 1 << 44) }
    var configuration = SwitchConfiguration(name: "sw")
    var records = SwitchRecords()
    configuration.fdbLimit = 1 << 44
    do throws(DataplaneError) {
      _ = try records.reserve(configuration)
      Issue.record("there was memory")
    } catch {
      #expect("\(error)".contains("switch sw: no memory for a table of 17592186044416 stations: mmap"), "\(error)")
    }
    configuration.fdbLimit = 16
    #expect(try records.reserve(configuration).table.fdb.limit == 16)
  }
}
