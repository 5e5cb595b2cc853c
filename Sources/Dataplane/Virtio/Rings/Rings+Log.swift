/// What the device writes of a split ring itself (VIRTIO 1.2 section 2.7.8), all of it in the used ring: entries, the
/// index, and flags or event word.
extension SplitRing {
  func noteUnpublished(in log: inout QueueLog) {
    let count = Int(nextUsed &- publishedUsed)
    guard count > 0 else { return }
    let start = Int(publishedUsed & words.mask)
    let straight = min(count, words.straight(from: publishedUsed))
    log.noteUsed(SplitWords.usedEntry(start), 8 &* straight)
    log.noteUsed(SplitWords.usedEntry(0), 8 &* (min(count, size) &- straight))
    log.noteUsed(SplitWords.usedIndexOffset, 2)
  }

  func noteWish(in log: inout QueueLog) {
    // Flags at the beginning, the event word behind the entries.
    log.noteUsed(traits.hasEventIndex ? SplitWords.usedEntry(size) : 0, 2)
  }

  /// What another back-end had in hand may have been given back (`goOn`).
  func noteRepair(in log: inout QueueLog) {
    guard traits.isPositionDoubtful, traits.inflight != nil else { return }
    log.noteUsed(SplitWords.usedIndexOffset, 2)
    log.noteUsed(SplitWords.usedEntry(0), 8 &* size)
  }
}

/// What the device writes of a packed ring itself (VIRTIO 1.2 sections 2.8.6 and 2.8.10): descriptors, and its event area.
extension PackedRing {
  func noteUnpublished(in log: inout QueueLog) {
    guard isHolding else { return }
    let count = nextUsed.distance(from: publishedUsed, in: size)
    let straight = min(count, size &- publishedUsed.place)
    log.noteDescriptors(publishedUsed.place, straight)
    log.noteDescriptors(0, min(count, size) &- straight)
    // The one that is held back is written last. Noting others may have marked its page already.
    log.noteDescriptors(publishedUsed.place, 1)
  }

  func noteWish(in log: inout QueueLog) { log.noteUsed(0, 4) }

  /// `correctPosition` may have shown a descriptor anywhere in the ring, `recoveredPosition` put some back.
  func noteRepair(in log: inout QueueLog) {
    if traits.isPositionDoubtful { log.noteDescriptors(0, size) }
  }
}
