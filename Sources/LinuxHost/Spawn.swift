import CLinux
import Glibc

/// Starts a process that outlives us: in a session of its own (unless asked otherwise), a child of init, with default
/// signals and no descriptors but the three standard ones.
///
/// Returns once it has become the executable.
///
/// - Throws: the error of the step that failed, `execve` (ENOENT, EACCES) as a rule.
///
/// What a request says of a terminal, or of input that is written, is for `RunningChild`.
package func spawn(_ request: SpawnRequest) throws(SystemError) -> ProcessIdentity {
  var request = request
  request.terminal = nil
  let input = try openStandard(request.standardInput, isOutput: false)
  let output = try openStandard(request.standardOutput, isOutput: true)
  let error = try openStandard(request.standardError, isOutput: true)
  return try start(request, standard: (input, output, error), isDetached: true)
}

/// Starts a process from an open file, as a process that outlives us, with what it talks to us by as standard input.
///
/// Output goes where ours goes. In the process its own file is open as descriptor `programNumber`.
/// - Throws: as `spawn` does.
package func spawn(
  _ request: SpawnRequest, program: Descriptor, input: Descriptor
) throws(SystemError) -> ProcessIdentity {
  let output = Descriptor(owning: try check(clinux_duplicate(1), "dup", "descriptor 1"))
  let error = Descriptor(owning: try check(clinux_duplicate(2), "dup", "descriptor 2"))
  return try start(request, standard: (input, output, error), isDetached: true, program: program)
}

/// The number of the descriptor that a process was started from.
package let programNumber = CInt(CLINUX_SPAWN_PROGRAM)

private var programPath: String { "/proc/self/fd/\(programNumber)" }

/// Opens a standard stream of a child; nil stands for `/dev/null`.
func openStandard(_ path: String?, isOutput: Bool) throws(SystemError) -> Descriptor {
  let path = path ?? "/dev/null"
  // SAFETY: the path is a C string for the length of the call.
  return Descriptor(owning: try check(unsafe clinux_open_standard(path, isOutput), "open", path))
}

/// Starts a process; not detached, it is a child of ours that `clinux_reap` must take.
///
/// - Parameter program: an open file that the process becomes, whatever lies at the request's path by now.
func start(
  _ request: SpawnRequest, standard: (Descriptor, Descriptor, Descriptor), isDetached: Bool, program: Descriptor? = nil
) throws(SystemError) -> ProcessIdentity {
  let executable = program == nil ? try findExecutable(request) : programPath
  let namespace: Descriptor? = if let name = request.namespace { try NetworkNamespace.open(name) } else { nil }
  let environment = request.environment?.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
  let strings = [executable, request.workingDirectory ?? ""] + request.arguments + (environment ?? [])
  guard !strings.contains(where: { $0.utf8.contains(0) }) else {
    throw SystemError(call: "execve", code: EINVAL, context: "\(executable) (a zero byte in an argument or variable)")
  }
  var startTime: UInt64 = 0
  var step: CInt = 0
  let arguments = CStrings([request.executable] + request.arguments)
  let variables = environment.map { CStrings($0) }
  // SAFETY: every string and descriptor handed over lives until the call returns; it keeps none of them.
  let result = withExtendedLifetime((arguments, variables, standard, namespace, program)) {
    unsafe executable.withCString { path in
      unsafe withOptionalCString(request.workingDirectory) { directory in
        var call = unsafe clinux_spawn(
          executable: path, arguments: arguments.pointer, environment: variables?.pointer ?? environ,
          directory: directory, standard: (standard.0.raw, standard.1.raw, standard.2.raw),
          netns: namespace?.raw ?? -1, program: program?.raw ?? -1,
          file_mask: request.fileMask.map { CInt($0 & 0o777) } ?? -1,
          descriptors: DescriptorLimit.ofChildren, has_session: request.newSession,
          has_terminal: request.terminal != nil, is_detached: isDetached)
        return unsafe clinux_spawn(&call, &startTime, &step)
      }
    }
  }
  let shown = program == nil ? executable : request.executable
  try check(result, name(of: step), context(of: step, request, executable: shown))
  return ProcessIdentity(pid: result, startTime: startTime)
}

private func name(of step: CInt) -> String {
  let names = ["fork", "setsid", "setns", "chdir", "dup2", "execve"]
  return names.indices.contains(Int(step)) ? names[Int(step)] : "spawn"
}

private func context(of step: CInt, _ request: SpawnRequest, executable: String) -> String {
  switch UInt32(bitPattern: step) {
  case CLINUX_SPAWN_NAMESPACE.rawValue: "\(request.namespace ?? "") for \(executable)"
  case CLINUX_SPAWN_DIRECTORY.rawValue: "\(request.workingDirectory ?? "") for \(executable)"
  default: executable
  }
}

/// The path of the executable; a name without a slash is looked for in the PATH of the new process.
private func findExecutable(_ request: SpawnRequest) throws(SystemError) -> String {
  let name = request.executable
  if name.utf8.contains(UInt8(ascii: "/")) { return name }
  // SAFETY: the variable's text is copied at once; nobody in this program changes the environment.
  let ours = unsafe getenv("PATH").map { unsafe String(cString: $0) }
  let path = request.environment?["PATH"] ?? ours ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
  for directory in path.split(separator: ":") where !name.isEmpty {
    let candidate = "\(directory)/\(name)"
    if unsafe access(candidate, X_OK) == 0 { return candidate }
  }
  throw SystemError(call: "execve", code: ENOENT, context: "\(name) (not found in \(path))")
}

private func withOptionalCString<T>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> T) -> T {
  guard let text else { return body(nil) }
  return unsafe text.withCString { unsafe body($0) }
}
