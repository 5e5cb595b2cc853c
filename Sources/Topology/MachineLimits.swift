/// What a machine can have, for its definition to be refused before anything of it is made.
package enum MachineLimits {
  /// NICs that find a place on the bus of a machine.
  package static let nics = 60
  /// Bytes of memory with which the built-in guest boots; with 8 MiB less its kernel ends in a panic.
  ///
  /// Found by starting it, and kept true by a test that does so (GuestMemory).
  package static let builtinMemory = 80 << 20
}
