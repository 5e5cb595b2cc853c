import CLinux
import Glibc
import LinuxHost
import Testing
import TestSupport

@Suite struct TAPDeviceTests {
  @Test func persistsAndIsRemoved() throws {
    let namespace = try TestNamespace()
    let request = TAPRequest(name: "tap0", namespace: namespace.name)
    do { _ = try TAPDevice.open(request) }
    #expect(TAPDevice.exists(name: "tap0", namespace: namespace.name))
    #expect(!TAPDevice.exists(name: "tap0", namespace: nil))
    do { _ = try TAPDevice.open(request) }
    try TAPDevice.remove(name: "tap0", namespace: namespace.name)
    #expect(!TAPDevice.exists(name: "tap0", namespace: namespace.name))
    try TAPDevice.remove(name: "tap0", namespace: namespace.name)
  }

  @Test func goesWithItsDescriptorUnlessPersistent() async throws {
    let namespace = try TestNamespace()
    do {
      let tap = try TAPDevice.open(TAPRequest(name: "tap0", namespace: namespace.name, isPersistent: false)).descriptor
      #expect(TAPDevice.exists(name: "tap0", namespace: namespace.name))
      withExtendedLifetime(tap) {}
    }
    #expect(await eventually { !TAPDevice.exists(name: "tap0", namespace: namespace.name) })
  }

  @Test func opensInTheHostsNamespace() throws {
    let name = UniqueName.next()
    defer { try? TAPDevice.remove(name: name, namespace: nil) }
    _ = try TAPDevice.open(TAPRequest(name: name))
    #expect(TAPDevice.exists(name: name, namespace: nil))
  }

  @Test func aSecondProcessorOfFramesIsRefused() throws {
    let namespace = try TestNamespace()
    let tap = try TAPDevice.open(TAPRequest(name: "tap0", namespace: namespace.name)).descriptor
    let error = #expect(throws: SystemError.self) {
      try TAPDevice.open(TAPRequest(name: "tap0", namespace: namespace.name))
    }
    #expect(
      error?.description
        == "TUNSETIFF tap0 in namespace \(namespace.name) (another process is attached to this tap): "
        + "Device or resource busy (EBUSY)")
    withExtendedLifetime(tap) {}
  }

  @Test func anotherKindOfInterfaceIsRefused() throws {
    let namespace = try TestNamespace()
    let error = #expect(throws: SystemError.self) {
      try TAPDevice.open(TAPRequest(name: "lo", namespace: namespace.name))
    }
    #expect(error?.code == EINVAL)
    #expect(error?.context.hasSuffix("(an interface of another kind has this name)") == true)
  }

  @Test(arguments: ["", "a234567890123456", "a/b", "a b", "tap%d", "a:1", ".", "..", "tä"])
  func refusesNamesThatTheKernelWouldRefuseOrExpand(name: String) {
    let error = #expect(throws: SystemError.self) { try TAPDevice.open(TAPRequest(name: name)) }
    #expect(error?.code == EINVAL)
  }

  @Test func carriesFramesWithAHeader() throws {
    let namespace = try TestNamespace()
    let tap = try TAPDevice.open(TAPRequest(name: "tap0", namespace: namespace.name)).descriptor
    try Netlink.setNoIPv6Noise(link: "tap0", namespace: namespace.name)
    try Netlink.configure(link: "tap0", namespace: namespace.name, mtu: nil, address: "52:54:00:00:00:01", up: true)
    try Netlink.addAddress("192.0.2.1/24", link: "tap0", namespace: namespace.name)

    #expect(fcntl(tap.raw, F_GETFL) & O_NONBLOCK != 0)
    #expect(throws: SystemError(call: "read", code: EAGAIN, context: "descriptor \(tap.raw)")) {
      try tap.read(size: 2048)
    }
    let request = [UInt8](repeating: 0, count: 12) + arpRequest
    #expect(write(tap.raw, request, request.count) == request.count)
    #expect(clinux_poll_readable(tap.raw, 10_000) == 1)
    let answer = try tap.read(size: 2048)
    #expect(answer.count == 12 + 42)
    #expect(Array(answer[12..<24]) == [0x52, 0x54, 0, 0, 0, 2] + [0x52, 0x54, 0, 0, 0, 1])
    #expect(Array(answer[24..<34]) == [8, 6, 0, 1, 8, 0, 6, 4, 0, 2])
  }

  /// Who has 192.0.2.1? Tell 192.0.2.2 at 52:54:00:00:00:02.
  private let arpRequest: [UInt8] =
    [255, 255, 255, 255, 255, 255, 0x52, 0x54, 0, 0, 0, 2, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1]
    + [0x52, 0x54, 0, 0, 0, 2, 192, 0, 2, 2, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1]

  @Test func carriesBareFramesWithoutAHeader() throws {
    let namespace = try TestNamespace()
    let tap = try TAPDevice.open(
      TAPRequest(name: "tap0", namespace: namespace.name, hasHeader: false, offloads: [])
    ).descriptor
    try Netlink.setNoIPv6Noise(link: "tap0", namespace: namespace.name)
    try Netlink.configure(link: "tap0", namespace: namespace.name, mtu: nil, address: nil, up: true)
    try Netlink.addAddress("192.0.2.1/24", link: "tap0", namespace: namespace.name)
    #expect(write(tap.raw, arpRequest, arpRequest.count) == arpRequest.count)
    #expect(clinux_poll_readable(tap.raw, 10_000) == 1)
    #expect(try tap.read(size: 2048).count == 42)
  }
}
