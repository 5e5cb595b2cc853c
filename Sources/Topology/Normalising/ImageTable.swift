/// Finds the images of a lab's machines and what they are; asks the host about each file once.
final class ImageTable {
  /// What is wrong with an image.
  enum Fault {
    case missing
    case unreadable
    case empty
    /// Nothing says what it is; its first bytes.
    case unknown([UInt8])
    /// The file says another format than it has; nil = none that is known, and its first bytes.
    case contradicted(DiskDefinition.Format?, [UInt8])
    /// It has another sum; nil = none could be made.
    case sum(String?)
    /// What it says of itself is not taken.
    case refused(ImageFault)
  }

  struct Image {
    /// Absolute.
    var path: String
    /// Raw when nothing is known of it.
    var disk: DiskDefinition
    /// Set for an appliance, whose disks are qcow2 once they are unpacked.
    var appliance: OVFDescriptor?
    var faults: [Fault] = []
  }

  /// Enough for the longest of `magics`, and to show what a file begins with.
  private static let headSize = 32
  /// How files of the formats begin (QEMU's docs/interop/qcow2.rst; VMware's Virtual Disk Format 1.1).
  private static let magics: [(format: DiskDefinition.Format, bytes: [UInt8])] = [
    (.qcow2, [0x51, 0x46, 0x49, 0xFB]), (.vmdk, Array("KDMV".utf8)), (.vmdk, Array("# Disk DescriptorFile".utf8)),
  ]
  /// Endings of names that say that a file without one of these heads is a raw disk.
  private static let rawEndings = [".raw", ".img"]

  private let facts: any LabFacts
  private let directory: String
  private var places: [String: (path: String, isThere: Bool)] = [:]
  private var heads: [String: [UInt8]?] = [:]
  private var sums: [String: String?] = [:]
  private var contents: [String: Result<ImageContent?, ImageFault>] = [:]

  init(facts: any LabFacts, directory: String) {
    self.facts = facts
    self.directory = directory
  }

  /// Where an image is, what its disk is, and what is wrong with it.
  func image(_ draft: ImageFileDraft) -> Image {
    let place = places[draft.name.value] ?? Paths.image(draft.name.value, directory, facts)
    places[draft.name.value] = place
    var image = Image(path: place.path, disk: DiskDefinition(format: draft.format?.value ?? .raw))
    image.disk.sha256 = draft.sha256?.value
    guard place.isThere else {
      image.faults = [.missing]
      return image
    }
    let head = heads[place.path] ?? facts.head(of: place.path, count: Self.headSize)
    heads[place.path] = head
    guard let head else {
      image.faults = [.unreadable]
      return image
    }
    switch content(of: place.path) {
    case .failure(let fault): image.faults.append(.refused(fault))
    case .success(.appliance(let descriptor)):
      (image.appliance, image.disk.format) = (descriptor, .qcow2)
      if draft.format != nil { image.faults.append(.refused(ImageFault("is an appliance, which has no \"format\""))) }
    case .success(.disk(let format)):
      image.disk.format = format
      guard let declared = draft.format?.value, declared != format else { break }
      image.faults.append(.contradicted(format, head))
    case .success(nil):
      switch Self.format(of: head, draft) {
      case .success(let format): image.disk.format = format
      case .failure(let fault): image.faults.append(fault)
      }
    }
    if let wanted = draft.sha256?.value {
      let sum = sums[place.path] ?? facts.sha256(of: place.path)
      sums[place.path] = sum
      if sum?.lowercased() != wanted { image.faults.append(.sum(sum)) }
    }
    return image
  }

  private func content(of path: String) -> Result<ImageContent?, ImageFault> {
    if let known = contents[path] { return known }
    let content: Result<ImageContent?, ImageFault>
    do throws(ImageFault) {
      content = .success(try facts.image(at: path))
    } catch {
      content = .failure(error)
    }
    contents[path] = content
    return content
  }

  /// What the first bytes say counts; without a word of theirs, what the lab file or the name says.
  private static func format(of head: [UInt8], _ draft: ImageFileDraft) -> Result<DiskDefinition.Format, Fault> {
    guard !head.isEmpty else { return .failure(.empty) }
    let found = magics.first { head.starts(with: $0.bytes) }?.format
    if let declared = draft.format?.value {
      return declared == found ?? .raw ? .success(declared) : .failure(.contradicted(found, head))
    }
    let name = draft.name.value.lowercased()
    let isRaw = rawEndings.contains { name.hasSuffix($0) }
    return (found ?? (isRaw ? .raw : nil)).map { .success($0) } ?? .failure(.unknown(head))
  }
}

extension ImageTable.Fault: Error {}
