/// What hangs at a port, and what its node is told of it.
///
/// Apart from `PortSlot`, since no frame needs it: frames go by `PortSlot.isUp`, which is the port's own end, as far as
/// it is wanted.
struct Cable {
  /// The port's carrier as everybody sees it: both ends of a wire are up.
  var isUp = false
  /// What the node was told last.
  ///
  /// A TAP is told its carrier; a front-end whose owner tells it, whether to hold the
  /// guest's link down because of the other end.
  var told = true
  /// Whoever made the port tells the front-end of its carrier, on which the rings stop.
  var isToldByOwner = false
  /// The rings ran when the front-end was told that there is no carrier: their end is as good as up.
  ///
  /// Without this the two ends of a wire would wait for each other for ever.
  var isLatched = false
  /// Seconds that the rings have not run in since the front-end was told that there is carrier again.
  var latchAge = 0
  /// The node is in switch-over: its end is as good as up.
  var isHeld = false
  /// Bytes of frames that wait for it then at most.
  var bufferLimit = PortConfiguration.usualMigrationBuffer
  /// The wire's other end was taken away.
  var isCut = false

  /// Seconds that a front-end has to start its rings again; after them its guest has let go of the device.
  static let latchLimit = 5
}
