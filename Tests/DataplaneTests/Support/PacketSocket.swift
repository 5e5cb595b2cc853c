import CLinux
import Glibc
import GuestKit
import LinuxHost
import TestSupport

/// A namespace of its own with TAPs that a data plane opens, removed in the end.
final class TestNamespace: Sendable {
  let name: String

  init() throws {
    name = UniqueName.next()
    try NetworkNamespace.create(name)
  }

  deinit { try? NetworkNamespace.delete(name) }
}

/// The namespace's side of a TAP: every frame that the interface gets, with its tag, and frames sent from there.
///
/// The corresponding kernel interface is packet(7) with PACKET_AUXDATA: the kernel takes an outer tag out of a received
/// frame and tells it beside the frame.
final class PacketSocket {
  private let descriptor: Descriptor

  private static let family: CInt = 17
  private static let everything: UInt16 = 0x0300
  private static let level: CInt = 263
  private static let auxiliaryData: CInt = 8

  init(_ interface: String, in namespace: String) throws {
    guard let index = try Netlink.links(namespace: namespace).first(where: { $0.name == interface })?.index else {
      throw SystemError(call: "bind", code: ENODEV, context: interface)
    }
    let raw = try NetworkNamespace.run(in: namespace) { () throws(SystemError) -> CInt in
      let raw = socket(Self.family, CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue), CInt(Self.everything))
      guard raw >= 0 else { throw SystemError(call: "socket", code: errno, context: "packet") }
      return raw
    }
    descriptor = Descriptor(owning: raw)
    // struct sockaddr_ll: family 2, protocol 2 (big endian), ifindex 4, hatype 2, pkttype 1, halen 1, addr 8.
    var address = [UInt8](repeating: 0, count: 20)
    address.withUnsafeMutableBytes {
      $0.storeBytes(of: UInt16(Self.family), as: UInt16.self)
      $0.storeBytes(of: Self.everything, toByteOffset: 2, as: UInt16.self)
      $0.storeBytes(of: Int32(index), toByteOffset: 4, as: Int32.self)
    }
    let bound = address.withUnsafeBytes { bytes in
      bytes.withMemoryRebound(to: sockaddr.self) { bind(raw, $0.baseAddress, 20) }
    }
    guard bound == 0 else { throw SystemError(call: "bind", code: errno, context: interface) }
    var one: CInt = 1
    setsockopt(raw, Self.level, Self.auxiliaryData, &one, 4)
  }

  func send(_ frame: [UInt8]) throws {
    guard Glibc.send(descriptor.raw, frame, frame.count, 0) == frame.count else {
      throw SystemError(call: "send", code: errno, context: "\(frame.count) bytes")
    }
  }

  /// The next frame that came in by the interface, its tag in its place; nil if none comes in time.
  func receive(timeout milliseconds: Int = 10_000) -> [UInt8]? {
    let deadline = Deadline(milliseconds: milliseconds)
    while true {
      guard deadline.waitReadable([descriptor.raw]) else { return nil }
      if let frame = receiveNow() { return frame }
    }
  }

  /// Nil for a frame that this side sent.
  private func receiveNow() -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 70_000)
    var control = [UInt8](repeating: 0, count: 256)
    var address = [UInt8](repeating: 0, count: 20)
    var size = 0
    var controlSize = 0
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
    guard size >= 0, address[10] != 4 else { return nil }
    let frame = Array(buffer.prefix(size))
    guard let tag = tag(control.prefix(controlSize)) else { return frame }
    return Array(frame[..<12]) + tag + Array(frame[12...])
  }

  // From `struct cmsghdr` (16 bytes) and `struct tpacket_auxdata`: status 4, len 4, snaplen 4, mac 2, net 2, vlan_tci 2,
  // vlan_tpid 2. Status bit 4: the TCI is valid.
  private func tag(_ control: ArraySlice<UInt8>) -> [UInt8]? {
    guard control.count >= 36, control[16] & 0x10 != 0 else { return nil }
    return [control[35], control[34], control[33], control[32]]
  }
}
