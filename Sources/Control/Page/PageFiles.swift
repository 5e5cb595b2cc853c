import CPage

/// The files of the live page that are in this program, ready to be sent.
struct PageFiles: Sendable {
  /// One of them.
  struct File: Sendable {
    /// `main.js`; of the page itself `index.html`.
    let name: String
    /// As `Content-Type` has it.
    let type: String
    let bytes: [UInt8]
    /// The same as gzip writes it; nil where that is no smaller.
    let compressed: [UInt8]?
    /// Changes with the content, with its quotation marks.
    let tag: String
  }

  /// By name.
  private let files: [String: File]

  /// Made at the first use: compressing takes tens of milliseconds, which a daemon without a viewer does not spend.
  static let shared = PageFiles()

  init() {
    var count = 0
    let first = unsafe page_files(&count)
    let all = unsafe UnsafeBufferPointer(start: first, count: count).map { file in
      let bytes = unsafe [UInt8](UnsafeBufferPointer(start: file.bytes, count: file.size))
      return unsafe (name: String(cString: file.name), bytes: bytes)
    }
    var files = all.filter { !$0.name.hasPrefix(XtermBundle.folder) }
    files.append(("xterm.js", XtermBundle.join(all)))
    self.files = Dictionary(
      files.map { ($0.name, File(name: $0.name, bytes: $0.bytes)) }, uniquingKeysWith: { first, _ in first })
  }

  /// - Returns: nil for a file that the page has not.
  func file(_ name: String) -> File? { files[name] }

  /// Names, sorted.
  var names: [String] { files.keys.sorted() }
}

extension PageFiles.File {
  fileprivate init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
    type = Self.type(of: name)
    compressed = Self.gzip(bytes)
    // FNV-1a, 64 bits: it need not withstand anybody, the files are ours.
    let hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    tag = "\"\(String(hash, radix: 16))\""
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
