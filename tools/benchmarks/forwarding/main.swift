// The benchmarks that need mock guests in this process, one run a start. `tools/bench` runs it, also under callgrind, which
// counts only what happens inside the worker's breath.
//
// Usage: forwarding-benchmark [--mode MODE] [--size BYTES] [--frames COUNT] [--recorder on|off]
//                             [--capture none|idle|other|full|filtered] [--chain single|two|indirect] [--buffers BYTES]
//                             [--ring split|packed] [--queues COUNT] [--idle-ports COUNT] [--burst COUNT]
//                             [--distinct COUNT] [--log on|off] [--inflight on|off]
//        forwarding-benchmark --add-ports COUNT
//        forwarding-benchmark --macs COUNT,... [--rounds N] [--idle-ports N] [--format table|json]
//        forwarding-benchmark --flood PORTS [--rounds N] [--format table|json]
//        forwarding-benchmark --round-trips SOCKET,SOCKET [--size BYTES] [--frames COUNT]
//        forwarding-benchmark --pairs COUNT [--driven on|off] [--workers COUNT] [--size BYTES] [--seconds COUNT]
//
// --mode: one station sends bursts to others through one worker, on one thread: what a frame costs, without sockets, guests
//   or a second processor. The modes are the cases of `Scenario`.
//   --capture idle: there is a third port, where nothing happens; other: it is captured; full, filtered: all ports of the
//     run are, all frames or none of them
//   --chain: a frame's header and bytes in one buffer, in two, or in two that an indirect table names
//   --buffers: size of the receiver's buffers, its headers included; 0 = a frame fits into one
//   --ring: the format of all rings, of those that GuestKit has a driver for
//   --queues: receive rings that the receiver has enabled, so that each frame's flow is found; they are all of one
//   --log: all guests have the pages logged that the switch writes, as while they move
//   --inflight: all front-ends keep what is in hand for the back-end that follows
//   --idle-ports: ports beside the others that nobody is connected to
//   --burst, --distinct: frames that are sent at once; buffers that they lie in, each of them used again and again
// --add-ports: no frames; how long it takes to add that many ports, to list and to remove them (AddedPorts.swift)
// --macs: frames between so many stations, both addresses of each at random (Macs.swift); --flood: a port that floods so
//   many others beside two that talk (Floods.swift)
// --round-trips: two guests at the sockets of a back-end send one frame to and fro (RoundTrips.swift)
// --pairs: pairs of guests at one data plane with its threads, each pair with a driver of its own (GuestPairs.swift);
//   --driven on: at workers whose threads play the guests too (DrivenPairs.swift)
//
// Ends with 3 if this build cannot do what is asked for, with 1 if it did it wrong.

do {
  let options = Options(CommandLine.arguments)
  switch options.work {
  case .addPorts(let count): try await AddedPorts.run(count)
  case .macs: try Macs.run(options)
  case .flood: try Floods.run(options)
  case .roundTrips(let first, let second): try RoundTrips.run(first, second, options)
  case .pairs(let count) where options.isDriven: try DrivenPairs.run(count, options)
  case .pairs(let count): try await GuestPairs.run(count, options)
  case .forward(let scenario): try Forwarding.run(scenario, options)
  }
} catch {
  Options.fail("\(error)", status: 1)
}
