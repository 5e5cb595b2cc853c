import Capture
import FoundationEssentials
import Lab

/// How captures are written.
enum CaptureFormat: String, CaseIterable { case pcapng, pcap }

/// Where a capture goes, as the command line says it.
struct CaptureDestination {
  private enum Place {
    case lines
    case standardOutput
    case file(String)
    case ring(String, RingFiles)
    /// Absolute.
    case folder(String)
  }

  private let place: Place
  private let isPcap: Bool

  /// - Throws: `UserError` for what does not go together.
  init(
    write path: String?, folder: String?, format: CaptureFormat?, ring: RingFiles?
  ) throws(UserError) {
    if path != nil, folder != nil {
      throw UserError(.badInput, "--write and --per-interface exclude each other: one file, or one for each port")
    }
    if folder?.isEmpty == true { throw UserError(.badInput, "--per-interface needs the name of a folder") }
    if format != nil, path == nil, folder == nil {
      throw UserError(.badInput, "--format needs -w FILE or --per-interface DIR")
    }
    isPcap = format.map { $0 == .pcap } ?? path?.lowercased().hasSuffix(".pcap") ?? false
    if let ring {
      guard let path, path != "-" else { throw UserError(.badInput, "--ring needs -w FILE") }
      guard !isPcap else {
        throw UserError(
          .badInput, "--ring writes pcapng", hint: "a name that does not end in .pcap, or --format pcapng")
      }
      place = .ring(path, ring)
    } else if let folder {
      place = .folder(folder.hasPrefix("/") ? folder : "\(FileManager.default.currentDirectoryPath)/\(folder)")
    } else {
      place = path.map { $0 == "-" ? .standardOutput : .file($0) } ?? .lines
    }
  }

  /// Frames go to files, and a terminal is free for other things.
  var isFile: Bool {
    switch place {
    case .lines, .standardOutput: false
    case .file, .ring, .folder: true
    }
  }

  func output() -> any CaptureOutput {
    let isPcap = isPcap
    switch place {
    case .lines: return CaptureLines()
    case .standardOutput:
      guard isPcap else { return CapturePipeOutput() }
      return CaptureFileOutput("standard output") {
        PcapSink { () throws(CaptureSinkError) in ClosureSink { bytes in Output.bytes(bytes) } }
      }
    case .file(let path):
      return CaptureFileOutput(path) { () throws(CaptureSinkError) in
        guard isPcap else { return try DescriptorSink(path: path) }
        return PcapSink { () throws(CaptureSinkError) in try DescriptorSink(path: path) }
      }
    case .ring(let path, let files):
      return CaptureFileOutput(path) {
        RingFileSink(path: path, files: files, clock: { UInt64(max(0, Date().timeIntervalSince1970)) })
      }
    case .folder(let path): return CaptureFileOutput(path) { PortFilesSink(folder: path, isPcap: isPcap) }
    }
  }
}
