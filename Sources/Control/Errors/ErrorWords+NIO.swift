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
