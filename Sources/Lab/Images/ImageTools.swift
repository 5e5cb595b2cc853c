import LinuxHost
import Synchronization
import Topology

/// The programs that read images whole: sums and conversion.
struct ImageTools: Sendable {
  /// Seconds that reading or writing a large image may take.
  private static let patience = 24.0 * 3600
  let variables: [String: String]

  /// The sum of an image, or of a part of a file, in lower-case hexadecimal digits.
  /// - Parameter program: `sha256sum` or another of its kind; `SumTool` says what runs.
  func sum(_ bytes: ImageBytes, by program: String) async throws(UserError) -> String {
    let tool = SumTool(program, variables)
    let text: String
    if bytes.isWhole {
      text = try await HostTool.run(
        tool.program, tool.arguments, package: tool.package,
        HostTool.Terms(input: bytes.path, timeout: Self.patience), variables)
    } else {
      let script = """
        f=$1 s=$2 c=$3; shift 3
        dd if="$f" bs=1M iflag=skip_bytes,count_bytes skip="$s" count="$c" status=none | "$@"
        """
      let words = ["-c", script, "sh", bytes.path, "\(bytes.start)", "\(bytes.size)", tool.program] + tool.arguments
      text = try await HostTool.run("sh", words, package: "dash", HostTool.Terms(timeout: Self.patience), variables)
    }
    return String(text.prefix { $0.isHexDigit }).lowercased()
  }

  /// The sum of a text.
  func sum(of text: String) async throws(UserError) -> String {
    let file: Descriptor
    do throws(SystemError) {
      file = try Descriptor.memoryFile(Array(text.utf8))
    } catch {
      throw UserError(.failed, "cannot make a sum: \(SystemError.text(of: error.code))")
    }
    defer { withExtendedLifetime(file) {} }
    let tool = SumTool("sha256sum", variables)
    let sum = try await HostTool.run(tool.program, tool.arguments, package: tool.package, input: file.path, variables)
    return String(sum.prefix { $0.isHexDigit })
  }

  /// Makes a qcow2 file of a disk.
  /// - Parameter progress: takes whole percents as they are reached.
  func convert(
    _ disk: ApplianceFile.Disk, to path: String, _ progress: @escaping @Sendable (Int) -> Void
  ) async throws(UserError) {
    // Out of order, as the new file is written from its beginning by nobody else.
    let words = ["convert", "-p", "-W", "--image-opts", Self.options(disk), "-O", "qcow2", path]
    let reader = PercentReader()
    let terms = HostTool.Terms(timeout: Self.patience) { bytes in
      for percent in reader.read(bytes) { progress(percent) }
    }
    _ = try await HostTool.run(
      "qemu-img", words, package: "qemu-utils", terms, variables)
  }

  /// A copy that takes no room where the image has nothing, and none at all where the file system can share.
  func copy(_ path: String, to other: String) async throws(UserError) {
    let words = ["--reflink=auto", "--sparse=always", "--no-preserve=all", "--", path, other]
    _ = try await HostTool.run("cp", words, package: "coreutils", HostTool.Terms(timeout: Self.patience), variables)
  }

  /// How QEMU is told of a disk: always with its format, and within an archive with its place there.
  static func options(_ disk: ApplianceFile.Disk) -> String {
    let path = QEMUCommandLine.escaped(disk.bytes.path)
    let format = "driver=\(disk.summary.format)"
    if disk.bytes.isWhole { return "\(format),file.driver=file,file.filename=\(path)" }
    // A member is padded to whole sectors in its archive.
    let size = (disk.bytes.size + 511) / 512 * 512
    return "\(format),file.driver=raw,file.offset=\(disk.bytes.start),file.size=\(size),"
      + "file.file.driver=file,file.file.filename=\(path)"
  }
}

/// Reads `(12.34/100%)` of qemu-img's progress.
final class PercentReader: Sendable {
  private struct State {
    var text: [UInt8] = []
    var last = 0
  }

  private let state = Mutex(State())

  /// - Returns: tens of percents that were reached since the last call, at most the highest.
  func read(_ bytes: [UInt8]) -> [Int] {
    state.withLock { state in
      state.text = Array((state.text + bytes).suffix(64))
      guard let open = state.text.lastIndex(of: UInt8(ascii: "(")) else { return [] }
      let digits = state.text[(open + 1)...].prefix { (0x30...0x39).contains($0) }
      let isWhole = digits.endIndex < state.text.endIndex
      guard isWhole, let percent = Int(String(decoding: digits, as: UTF8.self)), percent <= 100 else { return [] }
      guard percent / 10 > state.last / 10 else { return [] }
      state.last = percent
      return [percent / 10 * 10]
    }
  }
}
