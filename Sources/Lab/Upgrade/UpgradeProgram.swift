import FoundationEssentials
import LinuxHost

/// The program that is to go on with a lab: opened once, so that what was checked is what runs.
struct UpgradeProgram: Sendable {
  let path: String
  let file: Descriptor

  /// Opens and checks it.
  ///
  /// It gets all that the daemon has, so nobody may have had a hand in it who has not that power already: it is owned by
  /// root, or by the daemon's own user where that is another one, and nobody else may write to it. Folders above it do
  /// not matter, as the open file is what runs, whatever lies at its path by then.
  /// - Throws: `UserError` (`badInput`).
  init(_ path: String) throws(UserError) {
    guard path.hasPrefix("/") else {
      throw UserError(.badInput, "the program's path must begin with /, found \"\(ShownText.line(path))\"")
    }
    self.path = path
    let ownership: Descriptor.Ownership
    do throws(SystemError) {
      file = try Descriptor.openFile(path)
      ownership = try file.ownership()
    } catch {
      throw UserError(.badInput, "cannot open \(ShownText.line(path)): \(SystemError.text(of: error.code))")
    }
    guard file.isRegularFile else { throw UserError(.badInput, "\(path) is not a file of bytes") }
    guard ownership.isExecutable else {
      throw UserError(.badInput, "\(path) is not executable", hint: "`chmod +x \(path)`, if it is the program")
    }
    try Self.check(ownership, path, user: ThisProcess.user)
  }

  private static func check(_ ownership: Descriptor.Ownership, _ path: String, user: UInt32) throws(UserError) {
    guard ownership.user == 0 || ownership.user == user else {
      let owner = HostAccounts.name(ofUser: ownership.user)
      let wanted = user == 0 ? "root" : "root or \(HostAccounts.name(ofUser: user)), whose daemon this is"
      throw UserError(
        .badInput, "\(path) belongs to user \(owner), and must belong to \(wanted)",
        hint: "it would get all that the daemon has: install it as root, or `chown root \(path)` if you trust it")
    }
    guard !ownership.othersMayWrite else {
      throw UserError(
        .badInput, "\(path) may be written to by others than its owner", hint: "`chmod go-w \(path)` if you trust it")
    }
  }
}
