import Glibc

/// Environment variables of this process.
package enum ProcessVariables {
  /// Removes one, so that no process that is started from now on has it.
  ///
  /// To be called while nobody else reads or writes the environment: at the start of a command.
  package static func remove(_ name: String) { _ = unsafe unsetenv(name) }
}
