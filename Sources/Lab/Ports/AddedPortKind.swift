import Dataplane
import Topology

/// A kind of ports that can be added at run time: a row a kind.
///
/// To add one, write its row in a file beside this one, list it in `all`, and give `apus port add` its option. The calls
/// come in this order: `check`, `find`, `prepare`, `backend`, `settle`; later `setMTU`, `remove`.
package struct AddedPortKind: Sendable {
  /// What not all kinds can be told.
  enum Option: String, Sendable { case role, queues, force }

  /// The option of `port add`, and `kind` in the API.
  package let word: String
  /// What stands behind the option: `PATH`.
  package let value: String
  /// What it is, for help and messages: `a vhost-user socket`.
  package let text: String
  /// It is an interface of this host, which one port at a time has; else a path, of which the same is true.
  var isInterface = false
  var options: Set<Option> = []
  /// What is behind it is made where it is not there.
  var makes = false
  /// `prepare` takes something from this host that `remove` gives back.
  var takes = false
  /// It can be opened anew, with other offloads, under what is behind it.
  var canReopen = false

  /// Judges the target's form.
  var check: @Sendable (AddedPort) throws(UserError) -> Void
  /// Looks at this host before anything is made: what is in the way, and what is there already.
  var find: @Sendable (inout AddedPort, AddedPortHome) throws(UserError) -> Void = { _, _ throws(UserError) in }
  /// Makes ready what is behind the port, each time before it is opened; after an error all is as it was.
  var prepare: @Sendable (AddedPort, AddedPortHome) throws(UserError) -> Void = { _, _ throws(UserError) in }
  /// What the data plane makes the port of.
  var backend: @Sendable (AddedPort) throws(UserError) -> PortBackend
  /// What is behind the port is there before the port is.
  var isThere: @Sendable (AddedPort) -> Bool = { _ in true }
  /// Sets up what the port has made.
  /// - Parameter isNew: nothing was there before.
  var settle: @Sendable (AddedPort, _ isNew: Bool) throws(UserError) -> Void = { _, _ throws(UserError) in }
  /// Tells what is behind the port of another MTU.
  var setMTU: @Sendable (AddedPort, Int, AddedPortHome) throws(UserError) -> Void = { _, _, _ throws(UserError) in }
  /// Removes what the port has on this host once it is closed; works without a daemon, and twice.
  /// - Returns: what was removed.
  var remove: @Sendable (AddedPort, AddedPortHome) throws(UserError) -> [String] = { _, _ throws(UserError) in [] }

  /// Every kind, in the order of the documentation.
  package static let all = [vhostUser, stream, dgram, tap, nic]

  /// The kind of that word.
  static func named(_ word: String) -> AddedPortKind? { all.first { kind in kind.word == word } }

  /// Of an option that it has not.
  func refusal(of option: Option) -> UserError {
    let others = Self.all.filter { $0.options.contains(option) }.map { "--\($0.word)" }
    return UserError(
      .badInput, "a port of kind \(word) has no \(option)",
      hint: "`--\(option)` goes with \(others.joined(separator: ", "))")
  }
}

/// The lab that an added port is of, as far as the kinds have to know it.
struct AddedPortHome: Sendable {
  let lab: String
  let directories: LabDirectories
}
