internal import LinuxHost
import Synchronization

/// A file for each port, for programs that take frames of one port alone.
///
/// Each is a capture of its own: the section, the port's interface, the names, and the port's frames and statistics. A
/// port that was removed and added again goes on in its file, as another interface of it.
package final class PortFilesSink: CaptureSink {
  fileprivate struct File {
    var sink: any CaptureSink
    var interfaces: UInt32 = 0
    /// Blocks that are not written yet.
    var pending: [UInt8]
  }

  fileprivate struct State {
    /// Reads the interfaces' names.
    var reader = CaptureFileReader()
    var section: [UInt8] = []
    var names: [UInt8] = []
    var files: [String: File] = [:]
    /// By the interface's number: the file, and its number there.
    var places: [(file: String, number: UInt32)] = []
  }

  private let state = Mutex(State())
  private let open: @Sendable (_ port: String) throws(CaptureSinkError) -> any CaptureSink

  /// - Parameter open: gives the sink of a port's file; called once for each name.
  package init(_ open: @escaping @Sendable (_ port: String) throws(CaptureSinkError) -> any CaptureSink) {
    self.open = open
  }

  /// Files in a folder, called as the ports, with `.pcapng` or `.pcap` behind; a folder that is missing is made, for its
  /// owner alone.
  /// - Parameter folder: an absolute path.
  package convenience init(folder: String, isPcap: Bool) {
    self.init { port throws(CaptureSinkError) in
      do throws(SystemError) {
        _ = try Folder.make(folder, mode: 0o700)
      } catch {
        throw DescriptorSink.translate(error, folder)
      }
      let name = port.replacing("/", with: "_")
      guard isPcap else { return try DescriptorSink(path: "\(folder)/\(name).pcapng") }
      return PcapSink { () throws(CaptureSinkError) in try DescriptorSink(path: "\(folder)/\(name).pcap") }
    }
  }

  package func write(_ blocks: [UInt8], isCancelled: () -> Bool) throws(CaptureSinkError) {
    var offset = 0
    while offset < blocks.count {
      let size = try Self.checked { () throws(CaptureFileError) in
        try PcapngBlockSplitter.blockSize(blocks, at: offset)
      }
      guard let size, offset + size <= blocks.count else { throw .failed("\(CaptureFileError.cutShort)") }
      try sort(Array(blocks[offset..<offset + size]))
      offset += size
    }
    for name in state.withLock({ $0.files.keys.sorted() }) {
      let (sink, pending) = state.withLock { state in
        defer { state.files[name]?.pending = [] }
        return (state.files[name]?.sink, state.files[name]?.pending ?? [])
      }
      if !pending.isEmpty { try sink?.write(pending, isCancelled: isCancelled) }
    }
  }

  /// Puts a block to those that its file is to get.
  private func sort(_ block: [UInt8]) throws(CaptureSinkError) {
    switch PcapngBlockSplitter.word(block, 0) {
    case Pcapng.Block.section: state.withLock { $0.section = block }
    case Pcapng.Block.interface: try addInterface(block)
    case Pcapng.Block.names:
      state.withLock { state in
        state.names += block
        for name in state.files.keys { state.files[name]?.pending += block }
      }
    case Pcapng.Block.enhancedPacket, Pcapng.Block.statistics:
      state.withLock { state in
        guard block.count >= 12, let place = state.place(PcapngBlockSplitter.word(block, 8)) else { return }
        var block = block
        for index in 0..<4 { block[8 + index] = UInt8(truncatingIfNeeded: place.number >> UInt32(8 * index)) }
        state.files[place.file]?.pending += block
      }
    default: break
    }
  }

  /// Begins a port's file, or goes on with it.
  private func addInterface(_ block: [UInt8]) throws(CaptureSinkError) {
    let name = try Self.checked { () throws(CaptureFileError) in
      try state.withLock { state throws(CaptureFileError) in try state.name(of: block) }
    }
    if state.withLock({ $0.files[name] == nil }) {
      let sink = try open(name)
      state.withLock { $0.files[name] = File(sink: sink, pending: $0.section) }
    }
    state.withLock { state in
      guard var file = state.files[name] else { return }
      file.pending += block
      if file.interfaces == 0 { file.pending += state.names }
      state.places.append((name, file.interfaces))
      file.interfaces += 1
      state.files[name] = file
    }
  }

  private static func checked<Value>(
    _ body: () throws(CaptureFileError) -> Value
  ) throws(CaptureSinkError) -> Value {
    do throws(CaptureFileError) { return try body() } catch { throw .failed("\(error)") }
  }

  package func close() {
    for sink in state.withLock({ $0.files.values.map(\.sink) }) { sink.close() }
  }
}

extension PortFilesSink.State {
  fileprivate func place(_ number: UInt32) -> (file: String, number: UInt32)? {
    number < places.count ? places[Int(number)] : nil
  }

  /// The name that a block gives its interface.
  fileprivate mutating func name(of block: [UInt8]) throws(CaptureFileError) -> String {
    if places.isEmpty { reader.append(section) }
    reader.append(block)
    guard case .interface(let interface) = try reader.next() else { return "" }
    return interface.name
  }
}
