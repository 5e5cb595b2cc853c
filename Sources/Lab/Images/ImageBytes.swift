import LinuxHost
import Topology

/// The bytes of an image: a file, or a part of one, such as a member of an OVA.
struct ImageBytes: Sendable {
  let path: String
  /// Where it begins in the file.
  let start: UInt64
  /// Bytes.
  let size: UInt64
  private let file: Descriptor

  /// A whole file.
  /// - Throws: when it is neither a file nor a block device, or cannot be read.
  init(path: String) throws(ImageFault) {
    guard [.file, .blockDevice].contains(HostFacts.kind(of: path)) else { throw ImageFault("is no file") }
    do throws(SystemError) {
      file = try Descriptor.openFile(path)
      size = try file.stamp().size
    } catch {
      throw ImageFault("cannot be read: \(SystemError.text(of: error.code))")
    }
    self.path = path
    start = 0
  }

  private init(_ whole: ImageBytes, start: UInt64, size: UInt64) {
    (path, file) = (whole.path, whole.file)
    (self.start, self.size) = (start, size)
  }

  /// A part; one that reaches beyond the end is cut off there.
  func part(from offset: UInt64, size: UInt64) -> ImageBytes {
    let begin = min(offset, self.size)
    return ImageBytes(self, start: start + begin, size: min(size, self.size - begin))
  }

  var isWhole: Bool { start == 0 && (try? file.stamp().size) == size }

  /// Bytes from `offset` on, fewer where it ends before.
  func read(at offset: UInt64, count: Int) throws(ImageFault) -> [UInt8] {
    guard offset < size, count > 0 else { return [] }
    let length = Int(clamping: min(UInt64(count), size - offset))
    do throws(SystemError) {
      return try file.read(at: start + offset, count: length)
    } catch {
      throw ImageFault("cannot be read: \(SystemError.text(of: error.code))")
    }
  }

  /// When it was last written to, and the like.
  var stamp: FileStamp? { try? file.stamp() }
}

/// Numbers in the heads of images.
extension [UInt8] {
  /// An unsigned number of `count` bytes; 0 beyond the end, as the heads of old versions end before their new fields.
  func number(at offset: Int, _ count: Int, isLittle: Bool = false) -> UInt64 {
    guard offset >= 0, offset <= self.count - count else { return 0 }
    let bytes = self[offset..<offset + count]
    return isLittle
      ? bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } : bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }
}
