internal import LinuxHost
import Synchronization

/// How many files a capture goes round in, and how long they get.
package struct RingFiles: Sendable, Equatable {
  /// Files kept, 1 or more.
  package var count: Int
  /// Bytes of a file, about: a file ends before the block that would make it longer.
  package var size: UInt64

  package init(count: Int, size: UInt64) {
    self.count = count
    self.size = size
  }

  /// Files at most, and the shortest: a frame of any size and what it needs of its interfaces go in.
  package static let counts = 1...100_000
  package static let shortest: UInt64 = 1 << 12

  /// Reads `4x10M`: files, times, bytes with K, M, G or T (binary); nil if it is anything else, or out of range.
  package init?(_ text: String) {
    let parts = text.split(separator: "x", omittingEmptySubsequences: false)
    guard parts.count == 2, let count = Int(parts[0]), Self.counts.contains(count) else { return nil }
    let units: [Character: UInt64] = ["K": 10, "M": 20, "G": 30, "T": 40]
    var digits = parts[1]
    var shift: UInt64 = 0
    if digits.hasSuffix("iB") { digits.removeLast(2) } else if digits.hasSuffix("B") { digits.removeLast() }
    if let last = digits.last, let found = units[last] {
      shift = found
      digits.removeLast()
    }
    guard digits.allSatisfy(\.isASCII), digits.first?.isNumber == true, let number = UInt64(digits),
      number <= (UInt64.max >> 1) >> shift, number << shift >= Self.shortest
    else { return nil }
    self.init(count: count, size: number << shift)
  }
}

/// Files in turn, as dumpcap's ring buffer: `name_00001_20261123032255.pcapng`; the oldest goes when there are enough.
///
/// Each file can be read alone: it begins with the section, the interfaces and the names so far. Frames alone turn files:
/// statistics that find no room wait for the end of the file, the last of each interface, so that a capture in which
/// nothing happens keeps its frames and grows no further.
package final class RingFileSink: CaptureSink {
  private struct State {
    var file: DescriptorSink?
    /// Blocks that every file begins with, in the order that `PcapngWriter.add(names:)` asks for.
    var section: [UInt8] = []
    var interfaces: [UInt8] = []
    var names: [UInt8] = []
    /// Blocks of statistics that the file had no room for, by interface.
    var statistics: [UInt32: [UInt8]] = [:]
    /// The file has a frame.
    var hasPackets = false
    var number = 0
    var paths: [String] = []
    var isClosed = false
  }

  private let state: Mutex<State>
  private let stem: String
  private let suffix: String
  private let files: RingFiles
  private let clock: @Sendable () -> UInt64

  /// How far the files have come, for another sink that goes on with the next.
  package struct Position: Codable, Sendable, Equatable {
    /// Number of the last.
    var number = 0
    /// Those that are there, the oldest first.
    var paths: [String] = []

    package init() {}
  }

  /// - Parameters:
  ///   - path: as that of one file; number and time go before its last point.
  ///   - position: where another sink has stopped.
  ///   - clock: seconds since 1970.
  package init(
    path: String, files: RingFiles, after position: Position = Position(), clock: @escaping @Sendable () -> UInt64
  ) {
    state = Mutex(State(number: min(max(0, position.number), 1 << 40), paths: position.paths))
    let name = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    if let point = path[name...].lastIndex(of: "."), point != name {
      (stem, suffix) = (String(path[..<point]), String(path[point...]))
    } else {
      (stem, suffix) = (path, "")
    }
    self.files = files
    self.clock = clock
  }

  /// Files that are there, the oldest first.
  package var paths: [String] { state.withLock(\.paths) }

  /// How far they have come.
  package var position: Position {
    state.withLock { state in
      var position = Position()
      (position.number, position.paths) = (state.number, state.paths)
      return position
    }
  }

  package func write(_ blocks: [UInt8], isCancelled: () -> Bool) throws(CaptureSinkError) {
    var start = 0
    var offset = 0
    while offset < blocks.count {
      let end = offset + (try blockSize(blocks, at: offset))
      switch PcapngBlockSplitter.word(blocks, offset) {
      case Pcapng.Block.section: state.withLock { $0.section = Array(blocks[offset..<end]) }
      case Pcapng.Block.interface: state.withLock { $0.interfaces += blocks[offset..<end] }
      case Pcapng.Block.names: state.withLock { $0.names += blocks[offset..<end] }
      case Pcapng.Block.statistics:
        if isFull(pending: offset - start, next: end - offset) {
          try put(blocks[start..<offset], isCancelled)
          start = end
          hold(Array(blocks[offset..<end]))
        }
      default:
        if isFull(pending: offset - start, next: end - offset) {
          try put(blocks[start..<offset], isCancelled)
          try turn(isCancelled)
          start = offset
        }
        state.withLock { $0.hasPackets = true }
      }
      offset = end
    }
    try put(blocks[start...], isCancelled)
  }

  /// Bytes of the whole block at `offset`.
  private func blockSize(_ blocks: [UInt8], at offset: Int) throws(CaptureSinkError) -> Int {
    do throws(CaptureFileError) {
      if let size = try PcapngBlockSplitter.blockSize(blocks, at: offset), offset + size <= blocks.count { return size }
    } catch {
      throw .failed("\(stem)\(suffix): \(error)")
    }
    throw .failed("\(stem)\(suffix): \(CaptureFileError.cutShort)")
  }

  /// Keeps the last statistics of an interface for the end of the file.
  private func hold(_ block: [UInt8]) {
    guard block.count >= 12 else { return }
    state.withLock { $0.statistics[PcapngBlockSplitter.word(block, 8)] = block }
  }

  /// The file has a frame, and this would make it longer than files are to be.
  private func isFull(pending: Int, next: Int) -> Bool {
    state.withLock { state in
      let size = (state.file?.size ?? 0) + UInt64(pending + next)
      return state.hasPackets && size > files.size
    }
  }

  private func put(_ blocks: ArraySlice<UInt8>, _ isCancelled: () -> Bool) throws(CaptureSinkError) {
    guard !blocks.isEmpty else { return }
    if state.withLock({ $0.file == nil && !$0.isClosed }) { try openNext() }
    guard let file = state.withLock(\.file) else { throw .failed("\(stem)\(suffix) is closed") }
    try write(Array(blocks), into: file, isCancelled)
  }

  /// Writes into the last file; one that nothing went into is removed, as an empty file is no capture.
  private func write(
    _ blocks: [UInt8], into file: DescriptorSink, _ isCancelled: () -> Bool
  ) throws(CaptureSinkError) {
    do throws(CaptureSinkError) {
      try file.write(blocks, isCancelled: isCancelled)
    } catch {
      if file.size == 0 {
        file.close()
        let path = state.withLock { $0.paths.popLast() }
        if let path { try? Descriptor.removeFile(path) }
      }
      throw error
    }
  }

  /// Ends the file and begins the next.
  private func turn(_ isCancelled: () -> Bool) throws(CaptureSinkError) {
    if let file = state.withLock(\.file) {
      let rest = takeStatistics()
      if !rest.isEmpty { try write(rest, into: file, isCancelled) }
      file.close()
    }
    state.withLock { $0.hasPackets = false }
    try openNext()
    let (file, preamble) = state.withLock { ($0.file, $0.section + $0.interfaces + $0.names) }
    if let file { try write(preamble, into: file, isCancelled) }
  }

  /// The statistics that wait for the file's end.
  private func takeStatistics() -> [UInt8] {
    state.withLock { state in
      defer { state.statistics = [:] }
      return state.statistics.sorted { $0.key < $1.key }.flatMap(\.value)
    }
  }

  private func openNext() throws(CaptureSinkError) {
    let number = state.withLock { state in
      state.number += 1
      return state.number
    }
    let digits = String(number)
    let padded = String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    let path = "\(stem)_\(padded)_\(LocalTime.stamp(seconds: clock()))\(suffix)"
    let file = try DescriptorSink(path: path, mayWait: false)
    let oldest = state.withLock { state -> String? in
      state.file = file
      state.paths.append(path)
      return state.paths.count > files.count ? state.paths.removeFirst() : nil
    }
    if let oldest { try? Descriptor.removeFile(oldest) }
  }

  package func close() {
    let file = state.withLock { state in
      defer { state.file = nil }
      state.isClosed = true
      return state.file
    }
    let rest = takeStatistics()
    // Where they find no room the frames are whole all the same.
    if !rest.isEmpty { try? file?.write(rest) { false } }
    file?.close()
  }
}
