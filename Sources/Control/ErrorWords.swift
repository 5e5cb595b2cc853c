import Lab
import NIOCore

extension ErrorWords {
  /// What an error of a connection says: the system's word that is in it, if there is one.
  static func ofConnection(_ error: any Error) -> String {
    switch error {
    case let error as IOError: of(code: error.errnoCode)
    case ChannelError.connectTimeout: "it takes too long"
    case is ChannelError: "the connection has ended"
    default: of(error)
    }
  }
}

/// How the exit codes of the argument parser become those of this product.
package enum ExitStatus {
  /// EX_USAGE of sysexits.h, which the argument parser ends with after a mistake on the command line.
  private static let parserUsage: Int32 = 64

  /// - Parameter code: what the argument parser would end with; 0 after `--help`.
  package static func mapping(parser code: Int32) -> ExitCode {
    switch code {
    case 0: .done
    case parserUsage: .badInput
    default: ExitCode(rawValue: code) ?? .failed
    }
  }
}
