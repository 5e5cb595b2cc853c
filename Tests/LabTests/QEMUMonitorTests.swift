import Testing

@testable import Lab

@Suite struct QEMUMonitorTests {
  @Test func linesOfTheProtocol() {
    #expect(QMPMessage(line: #"{"QMP": {"version": {}, "capabilities": ["oob"]}}"#)?.isGreeting == true)
    #expect(QMPMessage(line: #"{"return": {}}"#)?.event == nil)
    #expect(QMPMessage(line: #"{"event": "RESET", "data": {"guest": true}}"#)?.event == .reset)
    #expect(QMPMessage(line: #"{"event": "SHUTDOWN", "data": {"guest": true}}"#)?.event == .shutdown(byGuest: true))
    #expect(QMPMessage(line: #"{"event": "SHUTDOWN", "data": {"guest": false}}"#)?.event == .shutdown(byGuest: false))
    #expect(QMPMessage(line: #"{"event": "SHUTDOWN"}"#)?.event == .shutdown(byGuest: false))
    #expect(QMPMessage(line: #"{"event": "GUEST_PANICKED", "data": {}}"#)?.event == .guestPanicked)
    #expect(QMPMessage(line: #"{"event": "STOP"}"#)?.event == nil)
    #expect(QMPMessage(line: "no JSON") == nil)
  }

  @Test func entersCommandModeTellsEventsAndHoldsCarriersDown() async throws {
    try await withTemporaryDirectories { directories in
      try Files.makeDirectory(directories.stateRoot)
      let path = "\(directories.stateRoot)/qmp.sock"
      let peer = try FakePeer(path: path)
      let (events, continuation) = AsyncStream.makeStream(of: QEMUEvent.self)
      let monitor = QEMUMonitor(path: path) { continuation.yield($0) }
      defer { monitor.close() }
      monitor.holdCarrierDown(devices: ["nic1"])
      monitor.start()
      let qemu = try await peer.accept()
      qemu.send(#"{"QMP": {}}"#)
      #expect(await qemu.next() == #"{"execute":"qmp_capabilities"}"#)
      for _ in 0..<2 {
        #expect(await qemu.next() == #"{"execute":"set_link","arguments":{"name":"nic1","up":false}}"#)
      }
      qemu.send(#"{"event": "RESET", "data": {"guest": true}}"#)
      #expect(await events.first { _ in true } == .reset)
    }
  }
}
