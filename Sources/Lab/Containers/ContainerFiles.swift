import FoundationEssentials

/// Files on their way into a container: an archive as engines take it (POSIX ustar, and GNU's long names).
///
/// It has no folders: those that are there keep what they are, others are made.
enum ContainerFiles {
  private static let block = 512
  /// Bytes of a name in a head.
  private static let nameSize = 100

  static func archive(_ files: [NodeSetup.File], time: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    for file in files {
      let name = Array(file.path.drop { $0 == "/" }.utf8)
      if name.count > nameSize {
        append(&bytes, head("././@LongLink", kind: "L", size: name.count + 1, mode: 0o644, time), name + [0])
      }
      let short = String(decoding: name.prefix(nameSize), as: UTF8.self)
      append(&bytes, head(short, kind: "0", size: file.bytes.count, mode: file.mode, time), file.bytes)
    }
    return bytes + [UInt8](repeating: 0, count: 2 * block)
  }

  private static func append(_ bytes: inout [UInt8], _ head: [UInt8], _ content: [UInt8]) {
    bytes += head + content
    bytes += [UInt8](repeating: 0, count: (block - content.count % block) % block)
  }

  private static func head(_ name: String, kind: Character, size: Int, mode: Int, _ time: Int) -> [UInt8] {
    var head = [UInt8](repeating: 0, count: block)
    func put(_ text: String, at offset: Int, _ room: Int) {
      for (index, byte) in text.utf8.prefix(room).enumerated() { head[offset + index] = byte }
    }
    func number(_ value: Int, at offset: Int, _ room: Int) {
      let digits = String(max(0, value), radix: 8)
      put(String(repeating: "0", count: max(0, room - 1 - digits.count)) + digits, at: offset, room)
    }
    put(name, at: 0, nameSize)
    number(mode, at: 100, 8)
    // Root's.
    number(0, at: 108, 8)
    number(0, at: 116, 8)
    number(size, at: 124, 12)
    number(time, at: 136, 12)
    put("        ", at: 148, 8)
    put(String(kind), at: 156, 1)
    put("ustar", at: 257, 6)
    put("00", at: 263, 2)
    number(head.reduce(0) { $0 + Int($1) }, at: 148, 7)
    return head
  }
}
