/// Words in commands that hints give a person to type.
package enum ShellWord {
  /// A word as a POSIX shell reads it: as it is, or in single quotes when the shell would make something of it.
  package static func quoted(_ word: String) -> String {
    let isPlain =
      !word.isEmpty
      && word.utf8.allSatisfy { byte in
        (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte) || "0123456789/._-+,:@%=".utf8.contains(byte)
      }
    if isPlain { return word }
    let parts = word.split(separator: "'", omittingEmptySubsequences: false)
    return "'" + parts.joined(separator: #"'\''"#) + "'"
  }
}
