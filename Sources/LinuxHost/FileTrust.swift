import CLinux
import Glibc

extension Descriptor {
  /// Who may write to this file besides its owner and root, and who that owner is.
  package struct Ownership: Sendable, Equatable {
    package var user: UInt32
    /// Its group, or everybody.
    ///
    /// Who was let in by name (an access list, acl(5)) counts as one of the group.
    package var othersMayWrite: Bool
    /// Somebody may run it.
    package var isExecutable: Bool
  }

  /// The owner and the permissions of the open file.
  package func ownership() throws(SystemError) -> Ownership {
    var status = stat()
    // SAFETY: the structure is ours for the length of the call.
    if unsafe fstat(raw, &status) < 0 { throw SystemError(call: "fstat", code: errno, context: "descriptor \(raw)") }
    return Ownership(
      user: status.st_uid, othersMayWrite: status.st_mode & 0o022 != 0, isExecutable: status.st_mode & 0o111 != 0)
  }

  /// Another descriptor of the open file that another number stands for, of this process or of one that starts it.
  package convenience init(copyOf number: CInt) throws(SystemError) {
    self.init(owning: try check(clinux_duplicate(number), "dup", "descriptor \(number)"))
  }

  /// The number of another descriptor of the same open file, which whoever asks for it has to close.
  package func duplicatedNumber() throws(SystemError) -> CInt {
    try check(clinux_duplicate(raw), "dup", "descriptor \(raw)")
  }

  /// Opens a file to write behind what is in it, making it if it is not there; a FIFO that nobody reads is ENXIO.
  package static func appendFile(_ path: String, mode: UInt32 = 0o600) throws(SystemError) -> Descriptor {
    // SAFETY: the path is a C string for the length of the call.
    let raw = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, mode_t(mode))
    if raw < 0 { throw SystemError(call: "open", code: errno, context: path) }
    let file = Descriptor(owning: raw)
    // What is no file on a disk has no end to go to.
    _ = lseek(raw, 0, SEEK_END)
    return file
  }
}

/// What a process makes of itself when it was started from an open file.
package enum ThisProcess {
  /// The effective user.
  package static var user: UInt32 { geteuid() }

  /// Takes the open file that is standard input, and leaves `/dev/null` in its place.
  package static func takeStandardInput() throws(SystemError) -> Descriptor {
    let taken = try Descriptor(copyOf: 0)
    try putNull(in: 0)
    return taken
  }

  /// Has a standard stream lead nowhere.
  private static func putNull(in number: CInt) throws(SystemError) {
    let null = try openStandard(nil, isOutput: number != 0)
    if dup2(null.raw, number) < 0 { throw SystemError(call: "dup2", code: errno, context: "descriptor \(number)") }
  }

  /// Has both output streams go to the end of a file.
  package static func sendOutput(to path: String) throws(SystemError) {
    let file = try openStandard(path, isOutput: true)
    for number: CInt in [1, 2] where dup2(file.raw, number) < 0 {
      throw SystemError(call: "dup2", code: errno, context: "descriptor \(number)")
    }
  }

  /// Standard error is a terminal, which goes with the session that has it.
  package static var talksToTerminal: Bool { isatty(2) == 1 }

  /// Closes the file that this process was started from by `spawn(_:program:input:)`.
  package static func closeProgram() { _ = Descriptor(owning: programNumber) }
}
