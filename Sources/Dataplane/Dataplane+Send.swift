import Frames

/// Frames that a switch itself sends: how protocols on the control side speak.
extension Dataplane {
  /// Sends frames out of a port, in order, as if its switch had forwarded them there.
  ///
  /// They are impaired, captured, recorded, counted, and dropped with its reason like any other. Nothing is learnt from
  /// them, and no forwarding state of the port holds them back. Out of the end of a patch they come in at the other end,
  /// where that switch judges them.
  /// - Parameters:
  ///   - vlan: the frames get the tag that the port wants for it, with the priority of theirs if they have one; nil = they
  ///     leave as they are, but for a patch, which has frames of its end's native VLAN untagged.
  /// - Throws: `unknownPort`; `invalid` for a VLAN of which the port is no member, and for a frame below a header and its
  ///   tag or above `longestFrame`. None was sent, unless the port goes or leaves the VLAN meanwhile: then some of the first
  ///   frames were, `injectedAtOnce` at a time.
  package func send(outOf name: String, frames: [[UInt8]], vlan: Int? = nil) async throws(DataplaneError) {
    for frame in frames where !Self.sendable(frame) {
      throw .invalid(
        "a frame of \(frame.count) bytes; it has \(Ethernet.headerSize) at least, "
          + "\(Ethernet.headerSize + Ethernet.tagSize) with a tag, and \(Self.longestFrame) at most")
    }
    let block = try record(name).block
    // Also where there is nothing to send: the port and the VLAN are judged.
    for start in stride(from: 0, to: max(frames.count, 1), by: Self.injectedAtOnce) {
      let record = try record(name)
      // Another one may have the name by now.
      guard record.block === block else { throw .unknownPort(name) }
      if let vlan { try Self.check(vlan, of: record) }
      let (index, tag) = (record.index, UInt16(vlan ?? 0))
      let some = Array(frames[start..<min(start + Self.injectedAtOnce, frames.count)])
      await worker.run { core in
        guard core.state.ports[index].block === block else { return }
        for frame in some { core.coldSend(index, frame, vlan: tag) }
      }
    }
  }

  private static func sendable(_ frame: [UInt8]) -> Bool {
    guard (Ethernet.headerSize...longestFrame).contains(frame.count) else { return false }
    return frame.count >= Ethernet.headerSize + Ethernet.tagSize || frame[12] != 0x81 || frame[13] != 0
  }

  private static func check(_ vlan: Int, of record: PortRecord) throws(DataplaneError) {
    let isMember =
      switch record.mode {
      case .access(let own): vlan == Int(own)
      case .trunk(let allowed, _): allowed.contains(vlan)
      case .transparent, .wire: false
      }
    guard isMember, (1...4094).contains(vlan) else {
      throw .invalid("port \(record.name) is no member of VLAN \(vlan)")
    }
  }
}
