import GuestKit
import LinuxHost
import TestSupport

@testable import Dataplane

/// What comes of a stream's bytes, in plain words: frames behind their lengths, up to the first length that cannot be.
private func plainFrames(_ bytes: [UInt8]) -> [[UInt8]] {
  var (frames, place): ([[UInt8]], Int) = ([], 0)
  while bytes.count - place >= 4 {
    let size = bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
    guard (14...69_632).contains(size), bytes.count - place - 4 >= size else { break }
    frames.append(Array(bytes[place + 4..<place + 4 + size]))
    place += 4 + size
  }
  return frames
}

/// Payload of 1500 bytes behind header and tag.
private func fits(_ frame: [UInt8]) -> Bool {
  frame.count <= 1514 + (frame.count >= 18 && frame[12] == 0x81 && frame[13] == 0 ? 4 : 0)
}

/// Bytes from the peer of a stream's port, in pieces of any size: the frames in them go to the wire's other end.
func fuzzStream(_ bytes: [UInt8]) {
  demandNoDescriptorKept {
    var choices = Choices(bytes)
    demanded("the bench") { try feed(&choices) }
  }
}

private func feed(_ choices: inout Choices) throws {
  let bench = try ContractBench()
  try bench.wire(0, .stream, 1, .vhostUser, ringSize: 256)
  bench.breathe()
  let peer = try bench.streamPeer(0)
  let steps = choices.bytes(4).map { 1 + Int($0) * 7 }
  // Lengths, written out: few inputs would have two of them at their places.
  var stream: [UInt8] = []
  while !choices.isEmpty, stream.count < 100_000 {
    let size = choices.byte() < 0xF0 ? choices.number(below: 0x600) : Int(choices.odd() & 0xFFFF_FFFF)
    stream += StreamPeer.length(size)
    let there = min(size, 70_000)
    stream += choices.bytes(min(there, 32)) + [UInt8](repeating: 7, count: max(0, there - 32))
  }
  var received: [[UInt8]] = []
  var (place, step) = (0, 0)
  while place < stream.count {
    let end = min(stream.count, place + steps[step % 4])
    // A port that has closed takes no more.
    guard (try? peer.sendBytes(Array(stream[place..<end]))) != nil else { break }
    (place, step) = (end, step + 1)
    bench.breathe()
    received += try bench.received(1)
  }
  let wanted = plainFrames(stream).filter(fits)
  demand(received == wanted, "\(received.map(\.count)) came, expected \(wanted.map(\.count))")
  bench.core.coldCloseStream(0)
  bench.remove(0)
  bench.remove(1)
}
