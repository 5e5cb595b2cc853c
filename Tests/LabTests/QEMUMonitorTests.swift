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
    #expect(QMPMessage(line: #"{"event": "POWERDOWN"}"#)?.event == nil)
    #expect(QMPMessage(line: #"{"event": "STOP"}"#)?.event == .stopped)
    #expect(QMPMessage(line: #"{"event": "RESUME"}"#)?.event == .resumed)
    #expect(QMPMessage(line: #"{"event": "MIGRATION", "data": {"status": "active"}}"#)?.event == .migration(.active))
    #expect(
      QMPMessage(line: #"{"event": "MIGRATION", "data": {"status": "pre-switchover"}}"#)?.event
        == .migration(.preSwitchover))
    #expect(QMPMessage(line: #"{"event": "MIGRATION", "data": {"status": "colo"}}"#)?.event == .migration(.other))
    #expect(QMPMessage(line: #"{"event": "MIGRATION_PASS", "data": {"pass": 2}}"#)?.event == .migrationPass(2))
    #expect(
      QMPMessage(line: #"{"event": "DEVICE_DELETED", "data": {"device": "nic-eth1", "path": "x"}}"#)?.event
        == .deviceDeleted("nic-eth1"))
    #expect(QMPMessage(line: #"{"return": {}, "id": 3}"#)?.answer?.id == 3)
    #expect(QMPMessage(line: "no JSON") == nil)
  }

  @Test func valuesOfAnswers() {
    let line =
      #"{"return": {"status": "completed", "total-time": 71, "downtime": 3, "mbps": 1.5, "large": 1e30, "none": null, "#
      + #""on": true, "ram": {"dirty-sync-count": 2, "transferred": 4711, "remaining": 0}, "list": [1, "a"]}, "id": 7}"#
    let answer = QMPMessage(line: line)?.answer
    #expect(answer?.id == 7 && answer?.error == nil)
    let value = answer?.value ?? .nothing
    #expect(value["mbps"] == .number(1.5) && value["mbps"]?.integer == 1 && value["large"]?.integer == .max)
    #expect(value["none"] == .nothing && value["on"] == .boolean(true) && value["nobody"] == nil)
    #expect(value["list"]?.items == [.integer(1), .text("a")] && value["ram"]?.items == [])
    let report = MigrationReport(value)
    #expect(report.phase == .completed && report.phase.isOver && report.rounds == 2 && report.sent == 4711)
    #expect(report.downtime == 3 && report.time == 71 && report.error == nil)
    let none = MigrationReport(.object([:]))
    #expect(none.phase == .none && none.downtime == nil)
  }

  @Test func wordsOfAMigration() {
    #expect(
      QMPCommand.capabilities(["events": true, "x-ignore-shared": false]).line(id: 1)
        == #"{"arguments":{"capabilities":[{"capability":"events","state":true},"#
        + #"{"capability":"x-ignore-shared","state":false}]},"execute":"migrate-set-capabilities","id":1}"#)
    #expect(
      QMPCommand.migrate(to: "/s/move.sock").line(id: 2)
        == #"{"arguments":{"uri":"unix:/s/move.sock"},"execute":"migrate","id":2}"#)
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
        #expect(await qemu.next() == #"{"arguments":{"name":"nic1","up":false},"execute":"set_link","id":0}"#)
      }
      qemu.send(#"{"event": "RESET", "data": {"guest": true}}"#)
      #expect(await events.first { _ in true } == .reset)

      // What is let go is raised, what is held anew is set down.
      monitor.holdCarrierDown(devices: ["nic2"])
      var lines: [String] = []
      while !lines.contains(where: { $0.contains("nic2") }), let line = await qemu.next() { lines.append(line) }
      let raised = #"{"arguments":{"name":"nic1","up":true},"execute":"set_link","id":0}"#
      #expect(lines.suffix(2) == [raised, #"{"arguments":{"name":"nic2","up":false},"execute":"set_link","id":0}"#])
    }
  }

  /// What was let go while QEMU took no commands is raised when it does.
  @Test func whatWasLetGoIsRaised() async throws {
    try await withTemporaryDirectories { directories in
      try Files.makeDirectory(directories.stateRoot)
      let path = "\(directories.stateRoot)/qmp.sock"
      let peer = try FakePeer(path: path)
      let monitor = QEMUMonitor(path: path) { _ in }
      defer { monitor.close() }
      for devices in [["nic1", "nic2"], ["nic1"]] { monitor.holdCarrierDown(devices: Set(devices)) }
      monitor.start()
      let qemu = try await peer.accept()
      qemu.send(#"{"QMP": {}}"#)
      #expect(await qemu.next() == #"{"execute":"qmp_capabilities"}"#)
      #expect(await qemu.next() == #"{"arguments":{"name":"nic2","up":true},"execute":"set_link","id":0}"#)
      #expect(await qemu.next() == #"{"arguments":{"name":"nic1","up":false},"execute":"set_link","id":0}"#)
    }
  }

  /// A machine that stands still to be taken over is not called back: it might run in both then.
  @Test func callsBackWhatIsNotBeingTakenOver() async throws {
    try await withMonitor { monitor, qemu, _ in
      var id = 0
      for (phase, status, isCalledBack) in [
        ("active", "running", true), ("active", "finish-migrate", false), ("device", "finish-migrate", false),
        ("pre-switchover", "finish-migrate", true),
      ] {
        async let answer = monitor.hasStayed
        let questions = ["query-migrate", "query-status"] + (isCalledBack ? ["migrate_cancel"] : [])
        for (question, word) in zip(questions, [phase, status, ""]) {
          id += 1
          #expect(await qemu.next() == #"{"execute":"\#(question)","id":\#(id)}"#)
          qemu.send(#"{"return": {"status": "\#(word)"}, "id": \#(id)}"#)
        }
        let hasStayed = await answer
        #expect(!hasStayed)
      }
    }
  }

  @Test func commandsAndTheirAnswers() async throws {
    try await withTemporaryDirectories { directories in
      try Files.makeDirectory(directories.stateRoot)
      let path = "\(directories.stateRoot)/qmp.sock"
      let peer = try FakePeer(path: path)
      let monitor = QEMUMonitor(path: path) { _ in }
      defer { monitor.close() }
      await #expect(throws: UserError(.failed, "the machine's monitor does not answer")) {
        try await monitor.execute(QMPCommand(name: "stop"))
      }
      // Nobody hears it, and nobody waits.
      monitor.send(.announceSelf)
      monitor.start()
      let qemu = try await peer.accept()
      qemu.send(#"{"QMP": {}}"#)
      #expect(await monitor.waitForCommandMode(seconds: 60))
      _ = await qemu.next()
      monitor.send(.announceSelf)
      #expect(
        await qemu.next()
          == #"{"arguments":{"initial":50,"max":50,"rounds":1,"step":50},"execute":"announce-self","id":0}"#)
      async let good: Void = monitor.execute(.setLink(device: "nic-eth0", up: true))
      #expect(await qemu.next() == #"{"arguments":{"name":"nic-eth0","up":true},"execute":"set_link","id":1}"#)
      qemu.send(#"{"return": {}, "id": 0}"#)
      qemu.send(#"{"return": {}, "id": 1}"#)
      try await good
      async let bad: Void = monitor.execute(NICDevice.unplugCommand("eth9"))
      #expect(await qemu.next() == #"{"arguments":{"id":"nic-eth9"},"execute":"device_del","id":2}"#)
      qemu.send(#"{"error": {"class": "DeviceNotFound", "desc": "Device 'nic-eth9' not found"}, "id": 2}"#)
      do {
        try await bad
        Issue.record("no error")
      } catch {
        #expect("\(error)" == "Device 'nic-eth9' not found")
      }
      async let lost: Void = monitor.execute(QMPCommand(name: "stop"))
      _ = await qemu.next()
      qemu.close()
      monitor.close()
      do {
        try await lost
        Issue.record("no error")
      } catch {
        #expect("\(error)".contains("monitor"))
      }
    }
  }
}
