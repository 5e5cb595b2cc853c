import FoundationEssentials
import Glibc
import LinuxHost

/// What an error that is none of ours says, in words for people: never its type, its domain, or a number of its own.
package enum ErrorWords {
  /// - Returns: what the system said if that is under it, else the error's own words.
  package static func of(_ error: any Error) -> String {
    switch error {
    case let error as UserError: return error.message
    case let error as SystemError: return error.description
    case let error as DecodingError: return error.reason
    case let error as POSIXError: return of(code: error.code.rawValue)
    case let error as CocoaError: return of(error)
    case is EncodingError: return "it cannot be written as JSON"
    default: return "\(error)"
    }
  }

  /// `No space left on device`.
  /// - Parameter code: as in errno(3).
  package static func of(code: Int32) -> String { SystemError.text(of: code) }

  private static func of(_ error: CocoaError) -> String {
    if let system = error.underlying as? POSIXError { return of(code: system.code.rawValue) }
    return switch error.code {
    case .fileNoSuchFile, .fileReadNoSuchFile: "there is no such file"
    case .fileReadNoPermission, .fileWriteNoPermission: "this user may not"
    case .fileWriteOutOfSpace: "the disk is full"
    case .fileWriteFileExists: "something of that name is there"
    case .fileWriteVolumeReadOnly: "the file system can only be read"
    default: "it failed (error \(error.code.rawValue) of Foundation)"
    }
  }
}
