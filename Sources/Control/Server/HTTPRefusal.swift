import HTTPTypes
import Lab

/// A request that is not taken for what it is as HTTP: who asks, how, or how much.
struct HTTPRefusal: Error {
  var status: HTTPResponse.Status
  /// What is said of it.
  var error: UserError
  /// The connection is closed behind the answer: what is left of the request is not read.
  var ends = false

  init(_ status: HTTPResponse.Status, _ message: String, hint: String? = nil, ends: Bool = false) {
    self.status = status
    self.ends = ends
    error = UserError(status.code == 413 || status.code == 400 ? .badInput : .failed, message, hint: hint)
  }

  static func unauthorized(_ message: String) -> HTTPRefusal {
    HTTPRefusal(
      .unauthorized, message,
      hint:
        "send `Authorization: Bearer TOKEN`, or get a cookie by POST /v1/session; the token is in http.token of the "
        + "lab's state folder, or in the lab's token-file")
  }

  /// What is to be had on the control socket alone.
  static func onSocketOnly(_ what: String) -> HTTPRefusal {
    HTTPRefusal(
      .forbidden, "\(what) is not taken over TCP",
      hint: "what names a path of this host, or opens it to others, is for the control socket, "
        + "`<state>/<lab>/control.sock`")
  }
}
