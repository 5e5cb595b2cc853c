import Foundation

/// What a pcapng file of one section holds, counted by a few lines that share nothing with the program under test.
struct CaptureFile {
  /// One interface: its frames in the file, and what its last statistics say.
  struct Interface {
    var name = ""
    var frames = 0
    /// `isb_ifrecv`, `isb_ifdrop`, `isb_filteraccept`, `isb_usrdeliv`; nil = the file does not say.
    var received: Int?
    var dropped: Int?
    var accepted: Int?
    var delivered: Int?
  }

  private(set) var interfaces: [Interface] = []
  /// Bytes behind the last whole block.
  private(set) var rest = 0

  /// Reads a file with the least significant byte first.
  init(_ path: String) throws {
    // Mapped: it may be long.
    let data = try Data(contentsOf: URL(filePath: path), options: .mappedIfSafe)
    try data.withUnsafeBytes { bytes in
      var offset = 0
      while offset + 12 <= bytes.count {
        let size = Int(Self.word(bytes, offset + 4))
        guard size >= 12, size % 4 == 0 else { throw Failure("\(path): no block at byte \(offset)") }
        guard offset + size <= bytes.count else { break }
        guard Self.word(bytes, offset + size - 4) == UInt32(size) else {
          throw Failure("\(path): the block at byte \(offset) ends otherwise than it begins")
        }
        try take(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + size]), path)
        offset += size
      }
      rest = bytes.count - offset
    }
  }

  /// The only interface of the file.
  func only() throws -> Interface {
    guard interfaces.count == 1, let interface = interfaces.first else {
      throw Failure("one interface expected, found \(interfaces.map(\.name))")
    }
    return interface
  }

  private mutating func take(_ block: UnsafeRawBufferPointer, _ path: String) throws {
    func interface() throws -> Int {
      let number = block.count >= 16 ? Int(Self.word(block, 8)) : .max
      guard number < interfaces.count else { throw Failure("\(path): a block of the unknown interface \(number)") }
      return number
    }
    switch Self.word(block, 0) {
    case 1:
      var new = Interface()
      for (code, value) in Self.options(block, from: 16) where code == 2 {
        new.name = String(decoding: value, as: UTF8.self)
      }
      interfaces.append(new)
    case 5:
      let number = try interface()
      for (code, value) in Self.options(block, from: 20) where value.count == 8 {
        let count = Int(clamping: value.enumerated().reduce(0) { $0 | UInt64($1.element) << UInt64(8 * $1.offset) })
        switch code {
        case 4: interfaces[number].received = count
        case 5: interfaces[number].dropped = count
        case 6: interfaces[number].accepted = count
        case 8: interfaces[number].delivered = count
        default: break
        }
      }
    case 6: interfaces[try interface()].frames += 1
    default: break
    }
  }

  private static func options(_ block: UnsafeRawBufferPointer, from first: Int) -> [(code: Int, value: [UInt8])] {
    var options: [(Int, [UInt8])] = []
    var offset = first
    while offset + 8 <= block.count {
      let head = Int(word(block, offset))
      let (code, size) = (head & 0xFFFF, head >> 16)
      guard code != 0, offset + 4 + size <= block.count - 4 else { break }
      options.append((code, Array(block[(offset + 4)..<(offset + 4 + size)])))
      offset += 4 + (size + 3) / 4 * 4
    }
    return options
  }

  private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
    UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }
}
