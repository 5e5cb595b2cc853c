internal import LinuxHost

/// The worker's part of a TAP port.
struct TAPPort: ~Copyable {
  /// Holds the interface open; nil = no interface.
  var descriptor: Descriptor?
  var raw: Int32 = -1
  /// The last read found something, or the kernel said that there is.
  var isReadable = false
  /// The interface is set up (IFF_UP), as the kernel told last.
  var word = InterfaceWord()
  /// Each read and write begins with a virtio-net header of 12 bytes, and may hand over a partial checksum.
  var hasHeader = false
  /// Large frames that may be written uncut: all that the kernel knows, if the user wants any.
  var takesLarge: LargeFrameTypes = []

  init() {}

  /// The interface is open.
  var isOpen: Bool { raw >= 0 }

  mutating func open(_ descriptor: Descriptor, hasHeader: Bool, takesLarge: LargeFrameTypes = []) {
    raw = descriptor.raw
    self.descriptor = descriptor
    self.hasHeader = hasHeader
    self.takesLarge = takesLarge
    isReadable = true
  }

  var coldOpen: OpenPort {
    var open = OpenPort()
    open.descriptor = descriptor
    (open.isUp, open.hasHeader, open.takesLarge) = (word.isUp, hasHeader, takesLarge)
    return open
  }
}

/// What the kernel has told of an interface behind a port.
struct InterfaceWord: BitwiseCopyable {
  /// Frames can pass, as it told last.
  var isUp = false
  /// How often it has told.
  var count: UInt32 = 0
}

extension LargeFrameTypes {
  /// What a kernel knows that hands such frames over; it takes what it can hand over.
  init(_ offloads: TAPOffloads) {
    let meanings: [(TAPOffloads, LargeFrameTypes)] = [
      (.tcp4, .tcp4), (.tcp6, .tcp6), (.ecn, .ecn), (.udp4, .udp4), (.udp6, .udp6),
    ]
    self = meanings.reduce(into: []) { types, meaning in
      if offloads.contains(meaning.0) { types.formUnion(meaning.1) }
    }
  }
}
