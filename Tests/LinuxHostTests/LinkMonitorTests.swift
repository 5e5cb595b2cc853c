import LinuxHost
import TestSupport
import Testing

/// What the kernel tells of interfaces in a namespace.
@Suite struct LinkMonitorTests {
  private func up(_ isUp: Bool, _ namespace: TestNamespace) throws {
    try Netlink.configure(link: "tap0", namespace: namespace.name, mtu: nil, address: nil, up: isUp)
  }

  /// News are there when the change has returned.
  @Test func tellsUpDownAndGone() throws {
    let namespace = try TestNamespace()
    let tap = try TAPDevice.open(TAPRequest(name: "tap0", namespace: namespace.name)).descriptor
    let index = try Netlink.index(of: "tap0", namespace: namespace.name)
    let monitor = try LinkMonitor(namespace: namespace.name)
    #expect(monitor.take() == [])
    monitor.ask(index: index)
    #expect(monitor.take() == [.state(index: index, isUp: false, hasCarrier: false)])
    try up(true, namespace)
    #expect(monitor.take().last == .state(index: index, isUp: true, hasCarrier: true))
    monitor.ask(index: index)
    #expect(monitor.take() == [.state(index: index, isUp: true, hasCarrier: true)])
    try up(false, namespace)
    #expect(monitor.take().last == .state(index: index, isUp: false, hasCarrier: false))
    monitor.ask(index: 99_999)
    #expect(monitor.take() == [.gone(index: 99_999)])
    #expect(TAPDevice.isAttached(tap))
    try TAPDevice.remove(name: "tap0", namespace: namespace.name)
    #expect(monitor.take().last == .gone(index: index))
    #expect(!TAPDevice.isAttached(tap))
  }

  /// Another namespace's interfaces are nobody's business here.
  @Test func hearsOfItsNamespaceOnly() throws {
    let (namespace, other) = (try TestNamespace(), try TestNamespace())
    let monitor = try LinkMonitor(namespace: namespace.name)
    try other.makeTAP("tap0")
    try up(true, other)
    #expect(monitor.take() == [])
  }

  /// A reader that is too slow is told so, and can ask.
  @Test func saysThatNewsWereLost() throws {
    let namespace = try TestNamespace()
    try namespace.makeTAP("tap0")
    let index = try Netlink.index(of: "tap0", namespace: namespace.name)
    let monitor = try LinkMonitor(namespace: namespace.name)
    for turn in 1...400 { try up(turn.isMultiple(of: 2), namespace) }
    #expect(monitor.take().contains(.lost))
    monitor.ask(index: index)
    // So soon after the last change the kernel may not have looked at the carrier again.
    let states = monitor.take().map { news in if case .state(index, true, _) = news { true } else { false } }
    #expect(states == [true])
  }

  /// The carrier can be set while the interface is down, goes with the last descriptor, and is back with the next.
  @Test func carriersOfTAPs() async throws {
    let namespace = try TestNamespace()
    let carrier = { try Netlink.links(namespace: namespace.name).first { $0.name == "tap0" }?.hasCarrier }
    var tap: Descriptor? = try TAPDevice.open(TAPRequest(name: "tap0", namespace: namespace.name)).descriptor
    if let tap { TAPDevice.setCarrier(tap, isUp: false) }
    try up(true, namespace)
    #expect(try carrier() == false)
    if let tap { TAPDevice.setCarrier(tap, isUp: true) }
    #expect(try carrier() == true)
    tap = nil
    #expect(try await eventually { try carrier() == false })
    tap = try TAPDevice.open(TAPRequest(name: "tap0", namespace: namespace.name)).descriptor
    #expect(try carrier() == true)
    withExtendedLifetime(tap) {}
  }
}
