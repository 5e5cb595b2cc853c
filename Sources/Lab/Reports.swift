import Topology

/// One thing that `up` did, for its report.
package struct PlanStep: Sendable, Equatable {
  package enum Action: String, Sendable, CaseIterable {
    case create, adopt, restart, change, remove
    /// Not done: said at run time, and different from the file.
    case drift
  }
  package var action: Action
  /// `node vm1`, `switch sw1`, `link trunk1`, `tests`.
  package var subject: String
  package var detail: String

  package init(_ action: Action, _ subject: String, _ detail: String = "") {
    self.action = action
    self.subject = subject
    self.detail = detail
  }
}

/// How `up` may go about it.
package struct BringUpOptions: Sendable {
  /// Machines that run may be started again where a change needs it.
  package var allowsRestart = false
  /// What was said of links at run time is forgotten.
  package var isReset = false
  /// Machines that boot at once; nil = as many as the host bears.
  package var parallel: Int?
  /// Where the API is served over TCP, from now on; nil = as was said before, else as the file has it.
  package var http: HTTPOverride?
  /// Absolute path of the folder of a saved lab that it goes on from; nil = it begins.
  package var from: String?
  /// What is in that folder, once it was read.
  var saved: SavedFolder?
  /// The token of it from now on; nil = the file's, or the one there is, or one that is made.
  package var httpToken: HTTPToken?

  package init() {}
}

/// A row of `ps`.
package struct NodeStatus: Sendable, Equatable {
  package enum State: String, Sendable, CaseIterable { case starting, running, stopped, failed }
  package var lab: String
  package var node: String
  package var kind: String
  package var image: String?
  package var state: State
  /// The node answers (a VM's agent, an external node's connected ports), and the first NIC that leads anywhere is up at
  /// its own end: a front-end has started its rings, a TAP's interface is up.
  package var ready: Bool
  package var pid: Int32?
  /// With prefix length, in file order.
  package var addresses: [String]
  /// Path of the console's socket.
  package var console: String?
  /// ISO 8601: when the node was started.
  package var since: String?
  /// Why the node failed, with its last console lines.
  package var error: String?
  /// Models of its NICs in file order, each once; empty for a node that is no machine.
  package var models: [NICModel] = []
}

/// A line of `test`.
package struct TestResult: Sendable, Equatable {
  /// The test as the file words it: `ping vm1 -> vm2`.
  package var test: String
  package var passed: Bool
  package var seconds: Double
  package var detail: String

  package init(test: String, passed: Bool, seconds: Double, detail: String) {
    self.test = test
    self.passed = passed
    self.seconds = seconds
    self.detail = detail
  }
}

/// What a command in a node says, in order of arrival; `exit` is last.
package enum ExecuteEvent: Sendable, Equatable {
  case output([UInt8])
  case error([UInt8])
  /// Exit status; 128 + signal number for a command that a signal ended.
  case exit(Int32)
}
