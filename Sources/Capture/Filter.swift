internal import CPcap
package import Dataplane
import Synchronization

/// Why a filter expression cannot be used.
package enum FilterError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The expression is wrong; the words are libpcap's.
  case syntax(String)
  /// It is right, but a capture cannot run it.
  case unusable(FilterProgramError)

  package var description: String {
    switch self {
    case .syntax(let message): message
    case .unusable(.jumpOutOfRange): "the filter needs a loop (protochain), which captures cannot run"
    case .unusable(let error): error.description
    }
  }
}

/// A filter in the language of tcpdump (pcap-filter(7)), compiled by libpcap for Ethernet.
///
/// As in a file read by tcpdump, a tag is part of the frame: `ip` finds untagged IPv4, `vlan 10 and ip` that of VLAN 10.
package struct Filter: Sendable, Equatable {
  /// Bytes of the longest text: libpcap takes seconds for thousands of terms.
  package static let longest = 4096

  /// As it was written.
  package let text: String
  /// Nil = everything is wanted: the text was empty.
  package let program: FilterProgram?

  /// Compiles an expression.
  ///
  /// Names of hosts in it are looked up, which may take its time.
  package init(_ text: String) throws(FilterError) {
    self.text = text
    guard text.utf8.count <= Self.longest else {
      throw .syntax("the filter has \(text.utf8.count) bytes; at most \(Self.longest) are taken")
    }
    guard !text.utf8.contains(0) else { throw .syntax("the filter has a zero byte") }
    guard text.contains(where: { !$0.isWhitespace }) else {
      program = nil
      return
    }
    let instructions = try PcapCompiler.compile(text)
    do throws(FilterProgramError) {
      program = try FilterProgram(instructions)
    } catch {
      throw .unusable(error)
    }
  }
}

/// The one place that calls libpcap.
///
/// Unsafe code. Invariants: handle and program live within one call of `compile`, under the lock, and are freed there on
/// every way out; instructions are copied before. libpcap older than 1.8 compiles with global state, hence the lock.
private enum PcapCompiler {
  /// Bytes of a frame that libpcap may assume.
  private static let snapLength: CInt = 262_144
  /// PCAP_NETMASK_UNKNOWN: no network to say what a broadcast is in.
  private static let unknownMask: UInt32 = 0xFFFF_FFFF
  private static let lock = Mutex(())

  static func compile(_ text: String) throws(FilterError) -> [FilterInstruction] {
    let result: Result<[FilterInstruction], FilterError> = lock.withLock { _ in
      // SAFETY: a dead handle needs no device; closed below, when nothing of it is used any more.
      guard let handle = unsafe pcap_open_dead(DLT_EN10MB, snapLength) else {
        return .failure(.syntax("libpcap has no memory"))
      }
      defer { unsafe pcap_close(handle) }
      var program = unsafe bpf_program()
      // SAFETY: the text is copied for the call; the program is filled if the result is 0.
      guard unsafe pcap_compile(handle, &program, text, 1, unknownMask) == 0 else {
        // SAFETY: the message lies in the handle, ends with a zero byte, and is copied.
        return .failure(.syntax(unsafe String(cString: pcap_geterr(handle))))
      }
      defer { unsafe pcap_freecode(&program) }
      guard let instructions = unsafe program.bf_insns else { return .success([]) }
      // SAFETY: `bf_len` instructions are there.
      return .success(
        (0..<Int(unsafe program.bf_len)).map {
          let instruction = unsafe instructions[$0]
          return FilterInstruction(instruction.code, instruction.jt, instruction.jf, instruction.k)
        })
    }
    return try result.get()
  }
}
