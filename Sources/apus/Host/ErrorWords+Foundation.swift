import Foundation
import Lab

extension ErrorWords {
  /// What an error of Foundation's (files, processes) says: the system's word that is under it, if there is one.
  static func ofFoundation(_ error: any Error) -> String {
    if error is POSIXError || error is CocoaError { return of(error) }
    let shown = error as NSError
    let reason = shown.userInfo[NSUnderlyingErrorKey] as? NSError ?? shown
    if reason.domain == NSPOSIXErrorDomain { return of(code: Int32(clamping: reason.code)) }
    return of(CocoaError(CocoaError.Code(rawValue: reason.code), userInfo: reason.userInfo))
  }
}
