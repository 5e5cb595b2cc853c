import Glibc

/// Looks until a condition holds, for a minute at most; returns whether it does.
///
/// For what follows the closing of a descriptor: while another test starts a process, that process holds a copy of every
/// descriptor for a moment.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
  for _ in 0..<60_000 {
    if try condition() { return true }
    usleep(1000)
  }
  return false
}
