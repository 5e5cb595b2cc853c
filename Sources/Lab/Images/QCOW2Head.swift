import Topology

/// The head of a qcow2 image (QEMU docs/interop/qcow2.rst).
enum QCOW2Head {
  static let magic: [UInt8] = [0x51, 0x46, 0x49, 0xFB]
  /// Bits of incompatible features that mean nothing for which files are opened: dirty, corrupt, compression type,
  /// extended L2 entries.
  private static let harmless: UInt64 = 0b11011
  private static let externalData: UInt64 = 0b100
  private static let backingFormat: UInt64 = 0xE279_2ACA
  private static let dataFileName: UInt64 = 0x4441_5441

  static func summary(_ bytes: ImageBytes, _ head: [UInt8], _ depth: Int) throws(ImageFault) -> ImageSummary {
    let version = head.number(at: 4, 4)
    guard (2...3).contains(version) else { throw ImageFault("is qcow2 of version \(version), which is not known") }
    let clusterBits = head.number(at: 20, 4)
    guard (9...21).contains(clusterBits) else { throw ImageFault("has clusters of 2^\(clusterBits) bytes") }
    try checkFeatures(head, version)
    var summary = ImageSummary(format: .qcow2, virtualSize: head.number(at: 24, 8))
    guard summary.virtualSize <= UInt64(ImageLimits.virtualSize) else {
      throw ImageFault("says that its disk has \(summary.virtualSize) bytes, more than is taken")
    }
    let extensions = try extensions(bytes, head, version, clusterBits)
    if extensions[dataFileName] != nil { throw keepsDataElsewhere }
    let offset = head.number(at: 8, 8)
    let length = head.number(at: 16, 4)
    guard offset != 0 else { return summary }
    guard (1...1023).contains(length) else { throw ImageFault("has a backing file's name of \(length) bytes") }
    let name = try bytes.read(at: offset, count: Int(length))
    guard name.count == Int(length), !name.contains(0) else { throw ImageFault("is cut off") }
    guard let text = String(validating: name, as: UTF8.self) else { throw ImageSummary.unreadableName }
    try addBacking(text, extensions[backingFormat], of: bytes, depth, to: &summary)
    return summary
  }

  private static let keepsDataElsewhere = ImageFault(
    "keeps its data in another file", hint: "make one file of it: qemu-img convert -O qcow2")

  private static func checkFeatures(_ head: [UInt8], _ version: UInt64) throws(ImageFault) {
    if head.number(at: 32, 4) != 0 { throw ImageFault("is encrypted", hint: "decrypt it: qemu-img convert -O qcow2") }
    guard version == 3 else { return }
    let features = head.number(at: 72, 8)
    if features & externalData != 0 { throw keepsDataElsewhere }
    let unknown = features & ~harmless
    guard unknown == 0 else {
      throw ImageFault("has features that are not known (bits 0x\(String(unknown, radix: 16)))")
    }
    let compression = head.number(at: 100, 4) > 104 ? head.number(at: 104, 1) : 0
    guard compression <= 1 else {
      throw ImageFault("is compressed in a way that is not known (\(compression); 0 is zlib, 1 zstd)")
    }
  }

  /// The extensions of the head that are there, by type.
  private static func extensions(
    _ bytes: ImageBytes, _ head: [UInt8], _ version: UInt64, _ clusterBits: UInt64
  ) throws(ImageFault) -> [UInt64: [UInt8]] {
    // They are in the first cluster, before the backing file's name.
    let area = try bytes.read(at: 0, count: 1 << Int(clusterBits))
    var offset = version == 3 ? Int(clamping: head.number(at: 100, 4)) : 72
    guard version == 2 || offset >= 104, offset <= area.count else { throw ImageFault("has a broken head") }
    var found: [UInt64: [UInt8]] = [:]
    while offset <= area.count - 8 {
      let type = area.number(at: offset, 4)
      let length = Int(area.number(at: offset + 4, 4))
      if type == 0 { break }
      guard length <= area.count - offset - 8 else { throw ImageFault("has a broken head") }
      found[type] = Array(area[offset + 8..<offset + 8 + length])
      offset += 8 + (length + 7) / 8 * 8
    }
    return found
  }

  private static func addBacking(
    _ name: String, _ format: [UInt8]?, of bytes: ImageBytes, _ depth: Int, to summary: inout ImageSummary
  ) throws(ImageFault) {
    let backing = try ImageSummary.reference(name, "backing file", of: bytes)
    // Guessed from its first bytes, it would be what whoever wrote the disk wants it to be.
    guard let format else {
      throw ImageFault(
        "does not say of which format its backing file \(name) is", hint: "qemu-img rebase -u -F FORMAT -b \(name)")
    }
    let word = String(decoding: format, as: UTF8.self)
    guard let format = DiskDefinition.Format(rawValue: word) else {
      throw ImageFault("has a backing file of format \(ShownText.line(word)); qcow2, raw and vmdk are taken")
    }
    let below: ImageSummary
    do throws(ImageFault) {
      below = try ImageSummary.of(backing, format: format, depth: depth + 1)
    } catch {
      throw ImageFault("has a backing file \(name) that \(error.message)", hint: error.hint)
    }
    summary.hasBacking = true
    summary.references = [name] + below.references
  }
}
