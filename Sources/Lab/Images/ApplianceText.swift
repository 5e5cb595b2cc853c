import Topology

/// The descriptor of an appliance without the rest of it.
package enum ApplianceText {
  /// The text of an OVA's descriptor; its disks are not looked at.
  /// - Throws: what is wrong with the archive.
  package static func descriptor(of path: String) throws(ImageFault) -> String {
    let whole = try ImageBytes(path: path)
    guard TarArchive.isOne(try whole.read(at: 0, count: 512)) else {
      throw ImageFault("is no tar archive, as an OVA is one")
    }
    let found = try TarArchive(whole).members.filter { $0.name.lowercased().hasSuffix(".ovf") }
    let shown = found.filter { $0.name.split(separator: "/").last?.hasPrefix(".") == false }
    guard shown.count == 1, let main = shown.first else {
      throw ImageFault("has \(shown.count) OVF descriptors; an OVA has one")
    }
    guard main.size <= UInt64(OVFReader.largest) else { throw ImageFault("has an OVF descriptor that is too large") }
    let bytes = try whole.part(from: main.offset, size: main.size).read(at: 0, count: Int(main.size))
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ImageFault("has an OVF descriptor that is not UTF-8")
    }
    return text
  }
}
