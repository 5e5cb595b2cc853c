import Foundation

/// Containers of a sandbox: podman with a store of its own, and settings that work on hosts of tests.
///
/// There the kernel has the controllers of cgroups v1 beside v2, which crun refuses; nothing keeps events; and limits
/// cannot be raised. None of this is a matter of the product.
extension Sandbox {
  static let containerImage = "localhost/apus-busybox"

  static func settleContainers(in folder: String, _ environment: inout [String: String]) throws {
    let settings = """
      [containers]
      default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
      [engine]
      runtime = "runc"
      cgroup_manager = "cgroupfs"
      events_logger = "none"
      """
    let storage = """
      [storage]
      driver = "vfs"
      graphroot = "\(folder)/containers"
      runroot = "\(folder)/containers.run"
      """
    for (name, text, variable) in [
      ("containers.conf", settings, "CONTAINERS_CONF"), ("storage.conf", storage, "CONTAINERS_STORAGE_CONF"),
    ] {
      try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
      environment[variable] = "\(folder)/\(name)"
    }
  }

  /// Makes the image of the labs with containers.
  func makeContainerImage() async throws {
    let outcome = try await execute(["\(projectRoot)/tools/container-image"], environment: environment)
    guard outcome.status == 0 else { throw Failure("\(outcome)") }
  }

  /// Runs podman as the lab's daemon does.
  @discardableResult
  func podman(_ arguments: String..., expecting status: Int32? = 0) async throws -> Outcome {
    let outcome = try await execute(["/usr/bin/podman"] + arguments, environment: environment)
    if let status, outcome.status != status { throw Failure("status \(status) expected; \(outcome)") }
    return outcome
  }

  func removeContainers() async {
    guard FileManager.default.fileExists(atPath: "\(folder)/containers") else { return }
    _ = try? await podman("rm", "--force", "--all", "--time", "0", expecting: nil)
  }
}
