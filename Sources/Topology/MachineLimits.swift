/// What a machine can have, for its definition to be refused before anything of it is made.
package enum MachineLimits {
  /// NICs that find a place on the bus of a machine.
  package static let nics = 60
  /// Bytes of memory with which the built-in guest boots; with 8 MiB less its kernel ends in a panic.
  ///
  /// Found by starting it with one processor, and kept true by a test that does so (GuestMemory). Each processor and each
  /// queue pair of a NIC takes about half a MiB more: with 8 and 16 of them it ends soon after its start.
  package static let builtinMemory = 80 << 20
  /// The same for one with NICs of other models than virtio, whose kernel has all drivers.
  package static let fullBuiltinMemory = 96 << 20
}
