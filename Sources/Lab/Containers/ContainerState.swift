/// How a container is, as `container inspect` of podman and docker tell it.
struct ContainerState: Decodable, Sendable {
  private struct State: Decodable {
    var status: String
    var process: Int32
    var exitCode: Int32

    enum CodingKeys: String, CodingKey {
      case status = "Status"
      case process = "Pid"
      case exitCode = "ExitCode"
    }
  }

  private struct Config: Decodable {
    var labels: [String: String]?

    enum CodingKeys: String, CodingKey {
      case labels = "Labels"
    }
  }

  private enum CodingKeys: String, CodingKey {
    case state = "State"
    case config = "Config"
  }

  /// `created`, `initialized` (podman), `running`, `paused`, `exited` and others.
  var status: String
  /// 0 without one.
  var pid: Int32
  /// Of the last run.
  var exitCode: Int32
  var labels: [String: String]

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let state = try container.decode(State.self, forKey: .state)
    (status, pid, exitCode) = (state.status, state.process, state.exitCode)
    labels = try container.decodeIfPresent(Config.self, forKey: .config)?.labels ?? [:]
  }

  /// Its process is there, whether its program runs already or not.
  var hasProcess: Bool { pid > 0 && ["initialized", "running", "paused"].contains(status) }

  /// Its program runs.
  var isRunning: Bool { pid > 0 && ["running", "paused"].contains(status) }
}
