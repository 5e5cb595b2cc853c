import Glibc
import GuestKit
import LinuxHost

/// Frames by an interface in a namespace, as they are on the wire: a tag that the kernel took out is put back.
final class RawSocket {
  private let descriptor: Descriptor

  init(_ interface: String, in namespace: String) throws {
    let index = try Netlink.index(of: interface, namespace: namespace)
    descriptor = try NetworkNamespace.run(in: namespace) { () throws(SystemError) in
      let everything = UInt16(3).bigEndian
      let raw = socket(AF_PACKET, CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue), CInt(everything))
      guard raw >= 0 else { throw SystemError(call: "socket", code: errno, context: "packet") }
      let descriptor = Descriptor(owning: raw)
      // struct sockaddr_ll: family 2, protocol 2 (big endian), ifindex 4, and what need not be said.
      var address = [UInt8](repeating: 0, count: 20)
      address.withUnsafeMutableBytes {
        $0.storeBytes(of: UInt16(AF_PACKET), as: UInt16.self)
        $0.storeBytes(of: everything, toByteOffset: 2, as: UInt16.self)
        $0.storeBytes(of: Int32(index), toByteOffset: 4, as: Int32.self)
      }
      let bound = address.withUnsafeBytes { bytes in
        bytes.withMemoryRebound(to: sockaddr.self) { bind(raw, $0.baseAddress, 20) }
      }
      guard bound == 0 else { throw SystemError(call: "bind", code: errno, context: interface) }
      // PACKET_AUXDATA of SOL_PACKET.
      var one: CInt = 1
      setsockopt(raw, 263, 8, &one, 4)
      return descriptor
    }
  }

  func send(_ frame: [UInt8]) throws {
    guard Glibc.send(descriptor.raw, frame, frame.count, 0) == frame.count else {
      throw SystemError(call: "send", code: errno, context: "\(frame.count) bytes")
    }
  }

  /// The next frame that came in and is meant; nil if there is none within a second.
  func receive(_ isMeant: ([UInt8]) -> Bool) -> [UInt8]? {
    let deadline = Deadline(milliseconds: 1000)
    while deadline.waitReadable([descriptor.raw]) {
      if let frame = receiveNow(), isMeant(frame) { return frame }
    }
    return nil
  }

  /// Nil for a frame that this side sent.
  private func receiveNow() -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 70_000)
    var control = [UInt8](repeating: 0, count: 64)
    var address = [UInt8](repeating: 0, count: 20)
    var (size, controlSize) = (0, 0)
    buffer.withUnsafeMutableBytes { buffer in
      control.withUnsafeMutableBytes { control in
        address.withUnsafeMutableBytes { address in
          var piece = iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
          withUnsafeMutablePointer(to: &piece) { piece in
            var message = msghdr(
              msg_name: address.baseAddress, msg_namelen: 20, msg_iov: piece, msg_iovlen: 1,
              msg_control: control.baseAddress, msg_controllen: control.count, msg_flags: 0)
            size = recvmsg(descriptor.raw, &message, 0)
            controlSize = Int(message.msg_controllen)
          }
        }
      }
    }
    // PACKET_OUTGOING.
    guard size >= 12, address[10] != 4 else { return nil }
    let frame = Array(buffer.prefix(size))
    // Behind struct cmsghdr (16 bytes): status 4 (bit 4: there is a tag), len 4, snaplen 4, mac 2, net 2, tci 2, tpid 2.
    guard controlSize >= 36, control[16] & 0x10 != 0 else { return frame }
    return Array(frame[..<12]) + [control[35], control[34], control[33], control[32]] + frame[12...]
  }
}
