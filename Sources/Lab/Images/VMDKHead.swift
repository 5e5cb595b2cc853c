import Topology

/// The head of a VMDK (VMware's Virtual Disk Format 1.1, and what QEMU's block/vmdk.c makes of it).
enum VMDKHead {
  static let magic = Array("KDMV".utf8)
  static let descriptorMagic = Array("# Disk DescriptorFile".utf8)
  /// Bytes of a sector.
  private static let sector: UInt64 = 512
  /// Bytes of a descriptor at most.
  private static let largestDescriptor = 1 << 20
  private static let mostExtents = 4096
  /// Kinds of whole files, and of descriptors with extents; others lie on devices of a host.
  private static let whole = ["monolithicSparse", "streamOptimized"]
  private static let split = [
    "monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat", "vmfs", "vmfsSparse", "seSparse",
  ]
  /// The head is at the end; this stands in its place.
  private static let headAtEnd = UInt64.max

  static func summary(_ bytes: ImageBytes, _ head: [UInt8]) throws(ImageFault) -> ImageSummary {
    guard head.starts(with: magic) else { return try described(bytes) }
    var summary = ImageSummary(format: .vmdk)
    let sparse = try sparseHead(bytes, head)
    let text = try descriptor(bytes, sparse)
    let variant = VMDKDescriptor.value("createType", in: text) ?? (sparse.isCompressed ? "streamOptimized" : nil)
    guard let variant, whole.contains(variant) else {
      throw ImageFault("is a VMDK of a kind that is not taken (\(ShownText.line(variant ?? "none")))")
    }
    summary.variant = sparse.isCompressed ? "streamOptimized" : variant
    summary.virtualSize = sparse.sectors * sector
    return summary
  }

  // MARK: - One file

  private struct SparseHead {
    var sectors: UInt64
    var isCompressed: Bool
    var descriptor: (start: UInt64, size: UInt64)
  }

  /// What QEMU goes by: the head at the beginning, or its copy at the end if that one says so.
  private static func sparseHead(_ bytes: ImageBytes, _ head: [UInt8]) throws(ImageFault) -> SparseHead {
    var fields = try fields(head)
    guard head.number(at: 56, 8, isLittle: true) == headAtEnd else { return fields }
    guard bytes.size >= 3 * sector else { throw ImageFault("is cut off") }
    let end = try bytes.read(at: bytes.size - 2 * sector, count: Int(sector))
    guard end.starts(with: magic) else { throw ImageFault("is cut off: the head at its end is not there") }
    let last = try Self.fields(end)
    // Descriptors of both are looked at by `descriptor`, whichever counts.
    fields.sectors = max(fields.sectors, last.sectors)
    fields.isCompressed = last.isCompressed
    if last.descriptor.start != 0, last.descriptor != fields.descriptor {
      throw ImageFault("has two heads that say different things")
    }
    return fields
  }

  private static func fields(_ head: [UInt8]) throws(ImageFault) -> SparseHead {
    func number(_ offset: Int, _ count: Int) -> UInt64 { head.number(at: offset, count, isLittle: true) }
    guard head.count >= Int(sector) else { throw ImageFault("is cut off") }
    let version = number(4, 4)
    guard (1...3).contains(version) else { throw ImageFault("is a VMDK of version \(version), which is not known") }
    let compression = number(77, 2)
    guard compression <= 1 else {
      throw ImageFault("is compressed in a way that is not known (\(compression); 1 is deflate)")
    }
    // Without a capacity, QEMU takes its descriptor for one with extents.
    let sectors = number(12, 8)
    guard (1...UInt64(ImageLimits.virtualSize) / sector).contains(sectors) else {
      throw ImageFault("says that its disk has \(sectors) sectors, which is not taken")
    }
    let (start, size) = (number(28, 8), number(36, 8))
    guard start < 1 << 40, size <= UInt64(largestDescriptor) / sector else { throw ImageFault("has a broken head") }
    return SparseHead(
      sectors: sectors, isCompressed: number(8, 4) & 1 << 16 != 0 || compression == 1,
      descriptor: (start * sector, size * sector))
  }

  /// The descriptor within the file, which must not make another disk of it.
  private static func descriptor(_ bytes: ImageBytes, _ head: SparseHead) throws(ImageFault) -> [UInt8] {
    // QEMU looks for a parent in the twenty sectors after the first, wherever the descriptor is.
    for (start, size) in [(sector, 20 * sector), head.descriptor] {
      try VMDKDescriptor.checkAlone(try bytes.read(at: start, count: Int(clamping: size)))
    }
    guard head.descriptor.start != 0 else { return [] }
    return try bytes.read(at: head.descriptor.start, count: Int(clamping: head.descriptor.size))
  }

  // MARK: - A descriptor and its extents

  private static func described(_ bytes: ImageBytes) throws(ImageFault) -> ImageSummary {
    guard bytes.size <= UInt64(largestDescriptor) else { throw ImageFault("has a descriptor that is too large") }
    let text = try bytes.read(at: 0, count: largestDescriptor)
    try VMDKDescriptor.checkAlone(text)
    guard let variant = VMDKDescriptor.value("createType", in: text), split.contains(variant) else {
      let found = ShownText.line(VMDKDescriptor.value("createType", in: text) ?? "none")
      throw ImageFault("is a VMDK of a kind that is not taken (\(found))")
    }
    let extents = try VMDKDescriptor.extents(of: text)
    guard (1...mostExtents).contains(extents.count) else { throw ImageFault("has \(extents.count) extents") }
    var summary = ImageSummary(format: .vmdk, variant: variant)
    for name in extents {
      let extent = try ImageSummary.reference(name, "extent", of: bytes)
      do throws(ImageFault) {
        try check(extent: extent)
      } catch {
        throw ImageFault("has an extent \(name) that \(error.message)", hint: error.hint)
      }
      if !summary.references.contains(name) { summary.references.append(name) }
    }
    let size = VMDKDescriptor.sectors(of: text).map { $0 * sector }
    guard let size, size <= UInt64(ImageLimits.virtualSize) else { throw ImageFault("says no size that is taken") }
    summary.virtualSize = size
    return summary
  }

  /// A flat extent has no head; one with a head must not refer any further.
  private static func check(extent: ImageBytes) throws(ImageFault) {
    let head = try extent.read(at: 0, count: 4096)
    guard head.starts(with: magic) else { return }
    _ = try descriptor(extent, try sparseHead(extent, head))
  }
}

/// The descriptor of a VMDK: lines of text.
///
/// QEMU reads it with scanf, for which a line break is a blank; so what names a file is found by its quotation marks
/// rather than by lines.
enum VMDKDescriptor {
  private static let quote = UInt8(ascii: "\"")

  /// - Throws: for a disk that holds only what was written over another one.
  static func checkAlone(_ text: [UInt8]) throws(ImageFault) {
    let parent = String(decoding: text, as: UTF8.self).lowercased()
    let hasParent = parent.contains("parentfilenamehint")
    let number = value("parentCID", in: text)?.lowercased()
    guard !hasParent, number == nil || number == "ffffffff" else {
      throw ImageFault(
        "is a snapshot: it holds only what was written over another disk",
        hint: "make one file of them where it comes from, as by exporting the machine")
    }
  }

  /// The value of a key, without quotation marks.
  static func value(_ key: String, in text: [UInt8]) -> String? {
    for line in text.split(whereSeparator: { [0x0A, 0x0D, 0].contains($0) }) {
      let parts = line.split(separator: UInt8(ascii: "="), maxSplits: 1)
      guard parts.count == 2 else { continue }
      let found = String(decoding: parts[0], as: UTF8.self).filter { !$0.isWhitespace }
      guard found.lowercased() == key.lowercased() else { continue }
      return String(decoding: parts[1], as: UTF8.self).filter { !$0.isWhitespace && $0 != "\"" }
    }
    return nil
  }

  /// What stands in quotation marks and is no value of a key, in order.
  /// - Throws: for a name that is no text.
  static func extents(of text: [UInt8]) throws(ImageFault) -> [String] {
    let blanks: [UInt8] = [0x20, 0x09, 0x0A, 0x0B, 0x0C, 0x0D]
    var names: [String] = []
    var index = 0
    var last = UInt8(ascii: "=")
    while index < text.count {
      let byte = text[index]
      index += 1
      guard byte == quote else {
        if !blanks.contains(byte) { last = byte }
        continue
      }
      let end = text[index...].firstIndex { [quote, 0x0A, 0x0D].contains($0) } ?? text.count
      if last != UInt8(ascii: "=") {
        guard let name = String(validating: text[index..<end], as: UTF8.self) else {
          throw ImageSummary.unreadableName
        }
        names.append(name)
      }
      (index, last) = (end + 1, quote)
    }
    return names
  }

  /// Sectors of all extents together; nil where a line says none, or they are too many.
  static func sectors(of text: [UInt8]) -> UInt64? {
    var all: UInt64 = 0
    for line in String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline) {
      let words = line.split(whereSeparator: \.isWhitespace)
      guard words.count >= 3, ["RW", "RDONLY", "NOACCESS"].contains(words[0]) else { continue }
      guard let count = UInt64(words[1]), count < 1 << 54 else { return nil }
      let (sum, isTooLarge) = all.addingReportingOverflow(count)
      if isTooLarge || sum >= 1 << 54 { return nil }
      all = sum
    }
    return all == 0 ? nil : all
  }
}
