import Frames
internal import LinuxHost
internal import VhostUser

/// The answers of a port to its session: maps memory, translates addresses, hands the result to the worker.
extension VhostUserEndpoint: RingOwner {
  func didNegotiate(features: UInt64, protocolFeatures: UInt64) { watch.noteFeatures(features, at: .now) }

  // Memory.

  func setMemory(_ regions: [MemoryRegionRequest]) -> OwnerAnswer {
    if let refusal = claim() { return .refused(refusal) }
    do throws(SystemError) {
      return install(try MemoryTable(regions))
    } catch {
      return .refused("\(error)")
    }
  }

  func addMemory(_ region: MemoryRegionRequest) -> OwnerAnswer {
    if let refusal = claim() { return .refused(refusal) }
    do throws(SystemError) {
      guard let table else { return install(try MemoryTable([region])) }
      return install(try table.adding(region))
    } catch {
      return .refused("\(error)")
    }
  }

  func removeMemory(guestAddress: UInt64, size: UInt64, userAddress: UInt64) -> OwnerAnswer {
    if let refusal = claim() { return .refused(refusal) }
    guard let smaller = table?.removing(guestAddress: guestAddress, size: size, userAddress: userAddress) else {
      return .refused("no region of \(size) bytes at guest address 0x\(String(guestAddress, radix: 16))")
    }
    return install(smaller)
  }

  /// Gives the worker a table and the rings' places in it.
  private func install(_ table: MemoryTable) -> OwnerAnswer {
    let old = self.table
    self.table = table
    var layouts: [Int: RingLayout] = [:]
    let isPacked = session?.isPacked == true
    for index in session?.startedRings ?? [] {
      guard let ring = session?.ring(index), let addresses = ring.addresses else { continue }
      layouts[index] = try? RingLayout(addresses, size: ring.size, isPacked: isPacked, in: table)
      // The worker is about to say so.
      if layouts[index] == nil { session?.noteBroken(index) }
    }
    let (port, reactor, places) = (port, reactor, layouts)
    return ask { core in
      core.coldReplaceMemory(port, table, places)
      reactor.submit { _ in _ = old }
      return .done
    }
  }

  // Rings.

  func startRing(_ start: RingStart) -> OwnerAnswer {
    if let refusal = claim() { return .refused(refusal) }
    guard let table else { return .refused("ring \(start.index) started before any memory was given") }
    guard log?.hasFaulted != true || session?.isLogging != true else {
      return .refused("ring \(start.index): \(RingFault(.logTruncated))")
    }
    let layout: RingLayout
    do throws(LayoutError) {
      layout = try RingLayout(start.addresses, size: start.size, isPacked: start.isPacked, in: table)
    } catch {
      return .refused("ring \(start.index): \(error)")
    }
    let part = inflight?.record(ring: start.index, size: start.size, isPacked: start.isPacked)
    var traits = QueueTraits(start)
    traits.ring.inflight = part?.record
    let installation = WorkerCore.RingInstallation(
      index: start.index, layout: layout, base: start.base, traits: traits,
      isEnabled: start.isEnabled, kick: start.kick, call: start.call, error: start.error, inflight: inflight,
      awaitsEnable: part?.record?.isBegun == true && !start.isEnabled, fault: part?.fault)
    let port = port
    return ask { core in core.coldStartRing(port, installation) ? .done : .broken }
  }

  func stopRing(_ ring: Int) -> OwnerAnswer {
    let (port, isMoving) = (port, isMoving(ring))
    return ask { core in .ringBase(core.coldStopRing(port, ring: ring, isMoving: isMoving)) }
  }

  func enableRing(_ ring: Int, _ isEnabled: Bool) -> OwnerAnswer {
    let port = port
    return ask { core in
      core.coldEnableRing(port, ring: ring, isEnabled)
      return .done
    }
  }

  func replaceAddresses(ring: Int, with addresses: RingAddresses) -> OwnerAnswer {
    guard let table, let old = session?.ring(ring), old.isStarted, !old.isBroken else {
      return .refused("ring \(ring) does not run")
    }
    let layout: RingLayout
    do throws(LayoutError) {
      layout = try RingLayout(addresses, size: old.size, isPacked: session?.isPacked == true, in: table)
    } catch {
      return .refused("ring \(ring): \(error)")
    }
    let port = port
    return ask { core in
      core.coldMoveRing(port, ring: ring, to: layout)
      return .done
    }
  }

  func replaceCall(ring: Int, with call: Descriptor?) -> OwnerAnswer {
    let port = port
    return ask { core in
      core.coldReplaceCall(port, ring: ring, with: call)
      return .done
    }
  }

  func replaceError(ring: Int, with error: Descriptor?) -> OwnerAnswer {
    let port = port
    return ask { core in
      core.coldReplaceError(port, ring: ring, with: error)
      return .done
    }
  }

  func resetDevice() -> OwnerAnswer {
    // The rings that run are another front-end's, while its machine moves.
    guard hasPlace else { return .done }
    let port = port
    return ask { core in
      core.coldResetRings(port)
      return .done
    }
  }

  // The device as a whole.

  func setInflight(_ region: InflightRegion) -> OwnerAnswer {
    do throws(SystemError) {
      inflight = try InflightMap(region)
      return .done
    } catch {
      return .refused("\(error)")
    }
  }

  func setMTU(_ mtu: Int) -> OwnerAnswer {
    saidMTU = mtu
    guard hasPlace else { return .done }
    let (port, limit) = (port, self.mtu)
    return ask { core in
      core.coldSetMTU(port, min(mtu, limit))
      return .done
    }
  }

  func announce(address: UInt64) -> OwnerAnswer {
    let bytes = (0..<6).map { UInt8(truncatingIfNeeded: address >> UInt64(40 - 8 * $0)) }
    guard let source = MACAddress(bytes: bytes), !source.isGroup, !source.isZero else {
      return .refused("announced address \(bytes) is not a station's")
    }
    let port = port
    return ask { core in
      core.coldAnnounce(port, source)
      return .done
    }
  }

  func setBackendChannel(_ channel: Descriptor) {
    closeChannel()
    self.channel = BackendChannel(channel)
  }

  /// Has the worker act, then goes on with the session; `body` runs on the worker.
  ///
  /// - Parameter afterwards: runs on the reactor, before the session goes on.
  func ask(
    afterwards: @escaping @Sendable () -> Void = {}, _ body: @escaping @Sendable (inout WorkerCore) -> OwnerCompletion
  ) -> OwnerAnswer {
    let (port, serial, epoch, reactor) = (port, serial, epoch, reactor)
    worker.commands.submit { core in
      let completion = body(&core)
      reactor.submit { state in
        afterwards()
        state.frontEnd(port, serial)?.answered(epoch: epoch, completion)
      }
    }
    return .pending
  }
}
