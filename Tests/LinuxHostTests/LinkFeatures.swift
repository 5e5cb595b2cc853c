import Glibc
import LinuxHost

/// What `ethtool -k` shows of an interface, asked of the kernel itself.
enum LinkFeatures {
  private static let request: UInt = 0x8946  // SIOCETHTOOL
  private static let getSetInfo: UInt32 = 0x37
  private static let getStrings: UInt32 = 0x1B
  private static let getFeatures: UInt32 = 0x3A
  /// ETH_SS_FEATURES.
  private static let features: UInt32 = 4
  private static let nameSize = 32

  /// Names of the features that are on.
  static func active(_ link: String, in namespace: String) throws -> Set<String> {
    try NetworkNamespace.run(in: namespace) { () throws(SystemError) in
      let file = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
      guard file >= 0 else { throw SystemError(call: "socket", code: errno, context: link) }
      defer { close(file) }
      // Command, reserved, mask of sets in 64 bits, one count for each.
      var info: [UInt32] = [getSetInfo, 0, 1 << features, 0, 0]
      try ask(file, link, &info)
      let count = Int(info[4])
      var names: [UInt32] = [getStrings, features, UInt32(count)] + Array(repeating: 0, count: count * nameSize / 4)
      try ask(file, link, &names)
      // Command, blocks of 32 features, and for each block: available, requested, active, never changed.
      let blocks = (count + 31) / 32
      var state: [UInt32] = [getFeatures, UInt32(blocks)] + Array(repeating: 0, count: 4 * blocks)
      try ask(file, link, &state)
      let text: [UInt8] = names.dropFirst(3).flatMap { word in
        (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
      }
      var active: Set<String> = []
      for number in 0..<count {
        let (block, bit) = (number / 32, UInt32(number % 32))
        guard state[4 + 4 * block] & (1 << bit) != 0 else { continue }
        let name: ArraySlice<UInt8> = text[(number * nameSize)...].prefix(nameSize)
        active.insert(String(decoding: name.prefix { $0 != 0 }, as: UTF8.self))
      }
      return active
    }
  }

  private static func ask(_ file: Int32, _ link: String, _ words: inout [UInt32]) throws(SystemError) {
    let outcome = words.withUnsafeMutableBytes { data in
      // struct ifreq: a name of 16 bytes, and where the data is.
      withUnsafeTemporaryAllocation(byteCount: 40, alignment: 8) { request in
        request.initializeMemory(as: UInt8.self, repeating: 0)
        request.copyBytes(from: link.utf8)
        request.storeBytes(of: UInt(bitPattern: data.baseAddress), toByteOffset: 16, as: UInt.self)
        guard let base = request.baseAddress else { return Int32(-1) }
        return ioctl(file, Self.request, base)
      }
    }
    guard outcome == 0 else { throw SystemError(call: "SIOCETHTOOL", code: errno, context: link) }
  }
}
