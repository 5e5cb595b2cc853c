import CLinux
import GuestKit
import LinuxHost
import VhostUser

/// One frame at a time, to and fro between two guests at the sockets of a back-end, which may be any.
enum RoundTrips {
  /// Nanoseconds until a frame counts as lost.
  private static let patience: UInt64 = 1_000_000_000
  /// Frames at the start that are not counted.
  private static let warmUp = 1000

  /// Connects to both sockets, sends `options.frames` frames and waits for the answer of each; prints percentiles of the
  /// round trip in nanoseconds.
  ///
  /// Both drivers poll and want no calls; they kick where the device asks for it.
  static func run(_ first: String, _ second: String, _ options: Options) throws {
    let here = try PolledGuest(path: first, number: 1, peer: 2, size: options.size)
    let there = try PolledGuest(path: second, number: 2, peer: 1, size: options.size)
    try meet(here, there)
    for _ in 0..<warmUp { _ = try roundTrip(here, there) }
    var samples: [UInt64] = []
    samples.reserveCapacity(options.frames)
    let (clockStart, ticksStart) = (HostClock.monotonic, clinux_rdtsc())
    for _ in 0..<options.frames { samples.append(try roundTrip(here, there)) }
    let nanosecondsATick = Double(HostClock.monotonic - clockStart) / Double(clinux_rdtsc() - ticksStart)
    samples.sort()
    func percentile(_ share: Double) -> Int {
      let position = min(samples.count - 1, Int(Double(samples.count) * share))
      return Int(Double(samples[position]) * nanosecondsATick)
    }
    print(
      "round-trips \(samples.count) min \(percentile(0)) p50 \(percentile(0.5)) p90 \(percentile(0.9)) "
        + "p99 \(percentile(0.99)) p99.9 \(percentile(0.999)) max \(percentile(1))")
  }

  /// Sends until one frame has come through each way: back-ends take time until both ports forward.
  private static func meet(_ here: PolledGuest, _ there: PolledGuest) throws {
    let start = HostClock.monotonic
    for (sender, receiver) in [(here, there), (there, here)] {
      while true {
        sender.send()
        if receiver.waitForFrame(nanoseconds: 20_000_000) { break }
        guard HostClock.monotonic - start < 20_000_000_000 else {
          throw GuestKitError.timeout("no frame comes through")
        }
      }
    }
    // What is still on its way.
    while here.waitForFrame(nanoseconds: 100_000_000) || there.waitForFrame(nanoseconds: 100_000_000) {}
  }

  /// Ticks of one frame there and its answer back.
  @inline(__always)
  private static func roundTrip(_ here: PolledGuest, _ there: PolledGuest) throws -> UInt64 {
    let start = clinux_rdtsc()
    here.send()
    guard there.waitForFrame(nanoseconds: patience) else { throw GuestKitError.timeout("a frame was lost on its way") }
    there.send()
    guard here.waitForFrame(nanoseconds: patience) else { throw GuestKitError.timeout("an answer was lost on its way") }
    return clinux_rdtsc() - start
  }
}
