/// The ranges of the lab file's values; the reader checks them, the schema for editors repeats them.
enum Limits {
  /// Nodes, NICs and addresses that ranges may add to what is written.
  static let mostMultiplied = 100_000
  static let workers = 1...64
  static let processors = 0...4095
  static let vlanIDs = 1...4094
  /// Seconds.
  static let aging = 1.0...1_000_000
  /// Bytes.
  static let memory = 32 << 20...1 << 40
  static let cpus = 1...255
  /// Seconds.
  static let readyTimeout = 1.0...3600
  /// Characters.
  static let consoleText = 1...256
  static let mtu = 68...65521
  static let queues = 1...8
  static let ports = 1...65535
  /// Of a route; 0 stands for the system's usual one.
  static let metric = 0...4_294_967_295
  /// Seconds.
  static let testTime = 0.0...86400
  /// Seconds.
  static let delay = 0.0...3600
  /// Bits per second; 0 stands for unlimited and is allowed too.
  static let rate = 1000...1_000_000_000_000
  /// Of the file; the data plane runs 64 at once, and some are left for those who ask.
  static let captures = 48
  static let ringFiles = 2...1000
  /// Bytes.
  static let ringSize = 64 << 10...1 << 40
  /// Bytes of a frame.
  static let snap = 64...CaptureDefinition.wholeFrame
  /// Bytes; `off` is allowed too.
  static let recorder = 512 << 10...1 << 30
  /// Bytes of a recorder that the file says nothing of.
  static let usualRecorder = 8 << 20
  /// Frames.
  static let impairmentQueue = 1...100_000
}
