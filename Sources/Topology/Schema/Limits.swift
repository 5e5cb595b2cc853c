/// The ranges of the lab file's values; the reader checks them, the schema for editors and the API's lab repeat them.
package enum Limits {
  /// Nodes, NICs and addresses that ranges may add to what is written.
  static let mostMultiplied = 100_000
  package static let workers = 1...64
  package static let processors = 0...4095
  package static let nice = -20...19
  static let vlanIDs = 1...4094
  /// Seconds.
  package static let aging = 1.0...1_000_000
  /// Stations.
  package static let fdbSize = 16...1_048_576
  /// Bytes.
  package static let memory = 32 << 20...1 << 40
  package static let cpus = 1...255
  /// Bytes of an empty disk.
  package static let emptyDisk = 1 << 20...64 << 40
  /// Seconds of a DHCP lease; dnsmasq knows no shorter ones.
  package static let lease = 120.0...31_536_000
  /// Bytes of the name of a boot file.
  static let bootFile = 127
  /// Seconds.
  package static let readyTimeout = 1.0...3600
  /// Characters.
  static let consoleText = 1...256
  package static let mtu = 68...65521
  package static let queues = 1...16
  /// Bytes of frames; 0 = none.
  package static let migrationBuffer = 0...1 << 30
  static let ports = 1...65535
  /// Of a route; 0 stands for the system's usual one.
  package static let metric = 0...4_294_967_295
  /// Seconds.
  package static let testTime = 0.0...86400
  /// Seconds.
  package static let delay = 0.0...3600
  /// Bits per second; 0 stands for unlimited and is allowed too.
  package static let rate = 1000...1_000_000_000_000
  /// Of the file; the data plane runs 64 at once, and some are left for those who ask.
  static let captures = 48
  package static let ringFiles = 2...1000
  /// Bytes.
  package static let ringSize = 64 << 10...1 << 40
  /// Bytes of a frame.
  package static let snap = 64...CaptureDefinition.wholeFrame
  /// Bytes; `off` is allowed too.
  package static let recorder = 512 << 10...1 << 30
  /// Bytes of a recorder that the file says nothing of.
  static let usualRecorder = 8 << 20
  /// Frames.
  package static let impairmentQueue = 1...100_000
  /// Of an access list, each way.
  static let accessRules = 256
  /// Spans of ports of a rule, each way.
  static let accessPorts = 16
  /// EtherTypes; below them are lengths (IEEE 802.3).
  static let etherTypes = 0x600...0xFFFF
  /// Addresses and prefixes of `ip-lock`.
  static let lockedAddresses = 1...256
  /// Stations of a port.
  package static let learnLimit = 1...1_048_576
  /// Frames a second.
  package static let storm = 1...10_000_000
}
