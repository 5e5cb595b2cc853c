/// The standard streams of a child, and our ends of them.
struct StandardEnds {
  /// What becomes 0, 1 and 2; to be let go of once the child runs.
  let child: (Descriptor, Descriptor, Descriptor)
  /// Standard output and standard error as far as they are captured; a terminal is the first.
  let output: [Descriptor?]
  let input: ChildInput?

  init(_ request: SpawnRequest) throws(SystemError) {
    if let size = request.terminal {
      let ends = try PseudoTerminal.open(size)
      child = (ends.terminal, ends.terminal, ends.terminal)
      output = [ends.master, nil]
      input = ChildInput(ends.master, isTerminal: true)
      return
    }
    let standardOutput = try Self.captured(request.standardOutput)
    let standardError = try Self.captured(request.standardError)
    output = [standardOutput.read, standardError.read]
    if request.isFed {
      let pipe = try Descriptor.inputPipe()
      child = (pipe.read, standardOutput.write, standardError.write)
      input = ChildInput(pipe.write, isTerminal: false)
    } else {
      child = (
        try openStandard(request.standardInput, isOutput: false), standardOutput.write, standardError.write
      )
      input = nil
    }
  }

  private static func captured(_ path: String?) throws(SystemError) -> (read: Descriptor?, write: Descriptor) {
    if let path { return (nil, try openStandard(path, isOutput: true)) }
    let pipe = try Descriptor.pipe()
    return (pipe.read, pipe.write)
  }
}
