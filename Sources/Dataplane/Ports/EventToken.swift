internal import LinuxHost

/// What an event of an epoll is about: the bell of the thread that waits, or something of a port.
///
/// As a word, which the kernel keeps: 0 is the bell; else the port's number plus one, and in the lowest 16 bits the source.
struct EventToken: Equatable {
  static let bell = EventToken(word: 0)

  let word: UInt64

  /// - Parameter word: of a token.
  init(word: UInt64) { self.word = word }

  /// - Parameter source: 0...65535, which of the descriptors that the port has in this epoll; each kind has its own numbers.
  init(port: Int, source: Int = 0) {
    word = UInt64(truncatingIfNeeded: port + 1) << 16 | UInt64(UInt16(truncatingIfNeeded: source))
  }

  /// Number of the port; nil = the bell.
  var port: Int? { word == 0 ? nil : Int(truncatingIfNeeded: word >> 16) - 1 }
  var source: Int { Int(UInt16(truncatingIfNeeded: word)) }
}

extension Epoll {
  /// Watches for what can be read, told once each time that there is more; false if that cannot be.
  func watches(_ raw: Int32, _ token: EventToken) -> Bool {
    do throws(SystemError) {
      try add(raw, token: token.word, events: Epoll.input | Epoll.edgeTriggered)
      return true
    } catch {
      return false
    }
  }
}
