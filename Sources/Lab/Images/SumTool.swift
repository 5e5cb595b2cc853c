import LinuxHost

/// The program that makes sums of files: OpenSSL's where it is installed, else that of coreutils.
///
/// Debian 12's coreutils do without the instructions that a processor has for SHA: 1.9 s for a gigabyte that OpenSSL
/// reads in 0.5 s. Both print the sum first, then a blank.
struct SumTool: Sendable, Equatable {
  /// Debian's package that has the program.
  let package: String
  let program: String
  /// What it has to be told to make this sum of its standard input.
  let arguments: [String]

  /// - Parameter name: the program of coreutils: `sha256sum` and the like.
  init(_ name: String, _ variables: [String: String]) {
    let kind = name.hasSuffix("sum") ? name.dropLast("sum".count) : ""
    guard kind.hasPrefix("sha"), Executables.find("openssl", variables) != nil else {
      (package, program, arguments) = ("coreutils", name, [])
      return
    }
    (package, program, arguments) = ("openssl", "openssl", ["dgst", "-\(kind)", "-r"])
  }
}
