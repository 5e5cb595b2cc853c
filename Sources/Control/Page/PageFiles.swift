import CPage
import Synchronization

/// The files of the live page that are in this program, ready to be sent.
final class PageFiles: Sendable {
  /// One of them.
  struct File: Sendable {
    /// `main.js`; of the page itself `index.html`.
    let name: String
    /// As `Content-Type` has it.
    let type: String
    let bytes: [UInt8]
    /// The same as gzip writes it; nil where that is no smaller.
    let compressed: [UInt8]?
    /// Changes with the content, however that is sent.
    let tag: String
  }

  private static let terminal = "xterm.js"

  /// Those of the process; what nobody asks for costs nothing.
  static let shared = PageFiles()

  /// As they are in the program, in its order.
  private let embedded: [(name: String, bytes: [UInt8])]
  /// Made at the first use each: compressing takes some milliseconds.
  private let made = Mutex<[String: File]>([:])

  init() {
    var count = 0
    let first = unsafe page_files(&count)
    embedded = unsafe UnsafeBufferPointer(start: first, count: count).map { file in
      let bytes = unsafe [UInt8](UnsafeBufferPointer(start: file.bytes, count: file.size))
      return unsafe (name: String(cString: file.name), bytes: bytes)
    }
  }

  /// - Returns: nil for a file that the page has not.
  func file(_ name: String) -> File? {
    if let known = made.withLock({ $0[name] }) { return known }
    guard let bytes = bytes(of: name) else { return nil }
    let file = File(name: name, bytes: bytes)
    made.withLock { $0[name] = file }
    return file
  }

  /// Modules of the terminal are no files of their own.
  private func bytes(of name: String) -> [UInt8]? {
    if name == Self.terminal { return XtermBundle.join(embedded) }
    guard !name.hasPrefix(XtermBundle.folder) else { return nil }
    return embedded.first { $0.name == name }?.bytes
  }

  /// Names, sorted.
  var names: [String] {
    (embedded.map(\.name).filter { !$0.hasPrefix(XtermBundle.folder) } + [Self.terminal]).sorted()
  }
}

extension PageFiles.File {
  fileprivate init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
    type = Self.type(of: name)
    compressed = Self.gzip(bytes)
    // FNV-1a, 64 bits: it need not withstand anybody, the files are ours.
    let hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    // Weak: the same for what is compressed and what is not.
    tag = "W/\"\(String(hash, radix: 16))\""
  }

  private static func type(of name: String) -> String {
    switch name.split(separator: ".").last {
    case "html": "text/html; charset=utf-8"
    case "css": "text/css; charset=utf-8"
    case "js": "text/javascript; charset=utf-8"
    case "svg": "image/svg+xml"
    default: "application/octet-stream"
    }
  }

  private static func gzip(_ bytes: [UInt8]) -> [UInt8]? {
    guard !bytes.isEmpty else { return nil }
    let packed = unsafe [UInt8](unsafeUninitializedCapacity: bytes.count) { room, count in
      count = unsafe bytes.withUnsafeBufferPointer { source in
        unsafe page_gzip(source.baseAddress, source.count, room.baseAddress, room.count)
      }
    }
    return packed.isEmpty ? nil : packed
  }
}
