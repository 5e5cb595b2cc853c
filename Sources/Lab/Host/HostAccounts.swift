/// Users and groups of this host, from its files.
package enum HostAccounts {
  /// What is wrong with a socket's owner, `user` or `user:group`; nil = nothing.
  package static func mistake(in text: String) -> String? {
    do {
      _ = try ids(text, users: lines("/etc/passwd"), groups: lines("/etc/group"))
      return nil
    } catch {
      return error.words
    }
  }

  /// - Parameter text: `user` or `user:group`, each a name or a number; without a group the user's own.
  /// - Parameter port: for the error's text.
  static func owner(_ text: String, of port: String) throws(UserError) -> (user: UInt32, group: UInt32) {
    try owner(text, of: port, users: lines("/etc/passwd"), groups: lines("/etc/group"))
  }

  /// - Parameter users: lines of passwd(5).
  /// - Parameter groups: lines of group(5).
  static func owner(
    _ text: String, of port: String, users: [[String]], groups: [[String]]
  ) throws(UserError) -> (user: UInt32, group: UInt32) {
    do {
      return try ids(text, users: users, groups: groups)
    } catch {
      throw UserError(.badInput, "\(port): socket-owner \"\(text)\": \(error.words)")
    }
  }

  /// The name of a user, or the number of one that has none.
  static func name(ofUser number: UInt32) -> String {
    lines("/etc/passwd").first { $0.count > 2 && $0[2] == "\(number)" }?.first ?? "\(number)"
  }

  private struct Unknown: Error {
    var words: String
  }

  private static func ids(
    _ text: String, users: [[String]], groups: [[String]]
  ) throws(Unknown) -> (user: UInt32, group: UInt32) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let entry = users.first { $0.count > 3 && ($0[0] == parts[0] || $0[2] == parts[0]) }
    guard let user = entry.flatMap({ UInt32($0[2]) }) ?? UInt32(parts[0]) else {
      throw Unknown(words: "this host has no user \(parts[0])")
    }
    guard parts.count == 2 else { return (user, entry.flatMap { UInt32($0[3]) } ?? user) }
    let named = groups.first { $0.count > 2 && $0[0] == parts[1] }
    guard let group = named.flatMap({ UInt32($0[2]) }) ?? UInt32(parts[1]) else {
      throw Unknown(words: "this host has no group \(parts[1])")
    }
    return (user, group)
  }

  private static func lines(_ path: String) -> [[String]] {
    String(decoding: Files.read(path) ?? [], as: UTF8.self).split(separator: "\n").map { line in
      line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    }
  }
}
