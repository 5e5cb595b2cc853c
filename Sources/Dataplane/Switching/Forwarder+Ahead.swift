import Frames

/// Asking ahead: a table that is larger than the processor's cache is waited for once a burst, and not twice a frame.
extension Forwarder {
  /// What a large table has on the stations of a frame.
  struct AskedFrame: BitwiseCopyable {
    var destinationKey: UInt64 = 0
    var sourceKey: UInt64 = 0
    /// Numbers of lines, and then what was found there: `FDBValue`s, 0 if nothing.
    var destination: UInt64 = 0
    var source: UInt64 = 0
    /// Number of the source's line.
    var sourceLine: UInt64 = 0

    /// Another frame is from and to the same stations.
    @inline(__always)
    func isLike(_ other: AskedFrame) -> Bool {
      destinationKey == other.destinationKey && sourceKey == other.sourceKey
    }
  }

  /// Frames of a burst below which it does not pay.
  private static var leastFrames: Int { 4 }

  /// Asks the switch's table for both stations of each frame of the burst, from `first` on, if the table is a large one.
  ///
  /// In two rounds: when all lines were asked for, the first ones have come. What the frames' fate is, is judged later, and
  /// what was found here is true as long as the table's generation is the same; a VLAN that the port does not have costs a
  /// line that nobody reads.
  /// - Returns: false if it did not.
  @inline(never)
  mutating func askAhead(from first: Int, _ ingress: Int, _ state: inout WorkerState) -> Bool {
    let (count, switchIndex) = (state.burst.count, state.ports[ingress].switchIndex)
    guard count - first >= Self.leastFrames, switchIndex >= 0 else { return false }
    let (untagged, isTransparent) = (state.ports[ingress].untaggedVLAN, state.ports[ingress].mode == .transparent)
    let generation = switches[switchIndex].stations.with { stations -> UInt32? in
      guard stations.isLarge else { return nil }
      let (generation, shape) = (stations.generation, stations.shape)
      for index in first..<count {
        let header = state.burst.header(index)
        let named = header.isTagged && !isTransparent ? header.tag.vlan : 0
        let vlan = named == 0 ? untagged : named
        let (destination, source) = (FDB.key(vlan: vlan, header.destination), FDB.key(vlan: vlan, header.source))
        asked[index] = AskedFrame(
          destinationKey: destination, sourceKey: source, destination: stations.prefetch(destination, shape),
          sourceLine: stations.prefetch(source, shape))
      }
      for index in first..<count {
        let frame = asked[index]
        asked[index].destination = stations.look(frame.destinationKey, in: frame.destination)
        asked[index].source = stations.look(frame.sourceKey, in: frame.sourceLine)
      }
      return generation
    }
    guard let generation else { return false }
    askedGeneration = generation
    return true
  }

  /// The port behind a frame's destination by what was asked ahead, or -1.
  @inline(__always)
  func askedOutput(_ key: UInt64, _ place: Place) -> Int {
    guard asked[place.frame].destinationKey == key, asked[place.frame].destination != 0 else { return -1 }
    return FDBValue(bits: asked[place.frame].destination).port
  }

  /// A frame's source is known where it came in by what was asked ahead, and is noted as seen in this second.
  @inline(__always)
  mutating func isSettled(_ key: UInt64, _ place: Place, _ tick: UInt32) -> Bool {
    guard asked[place.frame].sourceKey == key else { return false }
    let known = FDBValue(bits: asked[place.frame].source)
    return known.isSame(port: place.ingress, tick: tick) || refreshes(key, known, place, tick)
  }

  @inline(never)
  private mutating func refreshes(_ key: UInt64, _ known: FDBValue, _ place: Place, _ tick: UInt32) -> Bool {
    guard known.bits != 0, known.port == place.ingress, !known.isStatic else { return false }
    let line = Int(asked[place.frame].sourceLine)
    return switches[place.switchIndex].stations.with { $0.refresh(key, known, tick, in: line) }
  }
}
