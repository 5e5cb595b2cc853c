import FoundationEssentials
import LinuxHost
import Topology

/// The secret by which the API is used over TCP.
///
/// It has no description: a message that it stands in by mistake does not tell it.
package struct HTTPToken: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible {
  /// Characters that a token may have.
  private static let lengths = 16...1024
  /// Different characters that a token has at least.
  private static let variety = 8
  /// Random bytes of one that is made: 256 bits.
  private static let madeBytes = 32

  /// Characters of RFC 6750's `b64token`.
  package let text: String

  package var description: String { "(token)" }
  package var debugDescription: String { description }

  /// Takes a token that somebody has chosen.
  /// - Parameter source: where it is from, for messages: `APUS_HTTP_TOKEN`.
  /// - Throws: `badInput` for one that is easily guessed or cannot be sent; it does not tell the token.
  package init(_ text: String, from source: String) throws(UserError) {
    let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=".utf8)
    let hint = "`openssl rand -base64 32` makes a good one"
    guard text.utf8.allSatisfy({ allowed.contains($0) }) else {
      throw UserError(
        .badInput, "the token of \(source) has other characters than letters, digits and -._~+/=", hint: hint)
    }
    guard Self.lengths.contains(text.utf8.count) else {
      throw UserError(
        .badInput,
        "the token of \(source) has \(text.utf8.count) characters; \(Self.lengths.lowerBound) to "
          + "\(Self.lengths.upperBound) are taken", hint: hint)
    }
    guard Set(text.utf8).count >= Self.variety else {
      throw UserError(
        .badInput, "the token of \(source) has fewer than \(Self.variety) different characters", hint: hint)
    }
    self.text = text
  }

  private init(unchecked text: String) { self.text = text }

  /// A new one.
  package static func made() -> HTTPToken { HTTPToken(unchecked: random()) }

  /// 256 random bits as text that may stand in a URL.
  package static func random() -> String {
    var source = SystemRandomNumberGenerator()
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    // Six bits a character.
    return String(
      (0..<(Self.madeBytes * 8 + 5) / 6).map { _ in digits[Int(source.next(upperBound: UInt(digits.count)))] })
  }

  /// The token in a file that a person keeps: its first line.
  /// - Throws: `badInput` when the file cannot be read, is open to everybody, or has no good token.
  package static func read(file path: String) throws(UserError) -> HTTPToken {
    let what = "the token file \(path)"
    guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
      attributes[.type] as? FileAttributeType == .typeRegular, let bytes = Files.read(path)
    else {
      throw UserError(.badInput, "cannot read \(what)", hint: "is it there, and a file that the daemon may read?")
    }
    guard let mode = attributes[.posixPermissions] as? Int, mode & 0o007 == 0 else {
      throw UserError(.badInput, "\(what) is open to every user of this host", hint: "chmod o= \(path)")
    }
    let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
    return try HTTPToken(String(decoding: line, as: UTF8.self), from: path)
  }

  /// The token that the variable `APUS_HTTP_TOKEN` says; nil if it says none.
  ///
  /// What this process starts does not get the variable.
  /// - Throws: as `init`.
  package static func takeFromEnvironment() throws(UserError) -> HTTPToken? {
    let name = "APUS_HTTP_TOKEN"
    guard let text = ProcessInfo.processInfo.environment[name], !text.isEmpty else { return nil }
    ProcessVariables.remove(name)
    return try HTTPToken(text, from: name)
  }

  // MARK: - The lab's own

  /// What `http.token` of a lab has; nil if there is none that is good.
  package static func read(_ lab: String, in directories: LabDirectories) -> HTTPToken? {
    guard let bytes = Files.read(directories.tokenFile(lab)) else { return nil }
    let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
    return try? HTTPToken(String(decoding: line, as: UTF8.self), from: LabFile.token.rawValue)
  }

  /// Writes it to `http.token` of a lab, for the owner alone.
  package func write(_ lab: String, in directories: LabDirectories) throws(UserError) {
    let folder = try LabFolders.state(of: lab, in: directories)
    try Files.write(Array("\(text)\n".utf8), as: LabFile.token.rawValue, in: folder)
  }

  /// Removes `http.token` of a lab.
  package static func remove(_ lab: String, in directories: LabDirectories) throws(UserError) {
    try Files.remove(directories.tokenFile(lab))
  }
}
