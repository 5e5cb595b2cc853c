import LinuxHost

/// The terminal of a container's program, by its engine's `attach`.
enum ContainerConsole {
  /// What a terminal is that nobody tells its size.
  private static let size = WindowSize(rows: 24, columns: 80)
  private static let readSize = 65536

  /// - Parameter engine: path of its program, which runs as long as the console is in use.
  /// - Returns: our end of a stream to it.
  static func open(_ container: String, _ engine: String) throws(UserError) -> Descriptor {
    var request = SpawnRequest(
      executable: engine, arguments: ["attach", "--sig-proxy=false", "--detach-keys=", container])
    request.terminal = size
    do throws(SystemError) {
      let (ours, theirs) = try UnixSocket.pair()
      let child = try RunningChild(request)
      join(child, theirs)
      return ours
    } catch {
      throw UserError(.failed, "console of container \(container): \(error)")
    }
  }

  /// Passes on what either says, until one of them has ended.
  private static func join(_ child: RunningChild, _ socket: Descriptor) {
    Task.detached {
      await withTaskGroup(of: Void.self) { group in
        group.addTask {
          while let event = try? await child.next(), case .output(_, let bytes) = event {
            guard await LineConnection.write(bytes, to: socket) else { return }
          }
        }
        group.addTask { await feed(child.input, from: socket) }
        await group.next()
        group.cancelAll()
      }
      child.abandon()
    }
  }

  private static func feed(_ input: ChildInput?, from socket: Descriptor) async {
    while !Task.isCancelled, let received = try? UnixSocket.receive(socket, size: readSize, maximumDescriptors: 0) {
      switch received {
      case .data(let bytes, _): guard await input?.write(bytes) ?? false else { return }
      case .wouldBlock: _ = try? await Readiness.wait(for: socket, timeoutSeconds: nil)
      case .end: return
      }
    }
  }
}
