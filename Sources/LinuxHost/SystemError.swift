import CLinux
import Glibc

/// A system call that failed: which, why and on what.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The call's name, such as `open`.
  package let call: String
  /// The error number (`errno`), positive.
  package let code: CInt
  /// What the call was about: a path, an interface, a size; may be empty.
  package let context: String

  package init(call: String, code: CInt, context: String) {
    self.call = call
    self.code = code
    self.context = context
  }

  /// Nothing is there yet, or there is no room yet (EAGAIN).
  package var isTemporary: Bool { code == EAGAIN }

  /// For example `open /dev/net/tun: No such file or directory (ENOENT)`.
  package var description: String {
    let subject = context.isEmpty ? call : "\(call) \(context)"
    return "\(subject): \(Self.text(of: code)) (\(Self.name(of: code)))"
  }

  /// The C library's words for an error number, such as `No such file or directory`.
  package static func text(of code: CInt) -> String {
    // SAFETY: a constant string of the C library, never null.
    unsafe String(cString: clinux_error_text(code))
  }

  /// The symbol of an error number, such as `ENOENT`, or the number itself if it has none.
  package static func name(of code: CInt) -> String {
    // SAFETY: null or a constant string of the C library.
    guard let name = unsafe clinux_error_name(code) else { return "errno \(code)" }
    return unsafe String(cString: name)
  }
}

/// Passes on what a CLinux function returned, or throws its `-errno`.
@discardableResult
func check<Value: SignedInteger & FixedWidthInteger>(
  _ result: Value, _ call: @autoclosure () -> String, _ context: @autoclosure () -> String = ""
) throws(SystemError) -> Value {
  guard result < 0 else { return result }
  throw SystemError(call: call(), code: CInt(truncatingIfNeeded: 0 &- result), context: context())
}
