import CLinux
import Glibc
internal import LinuxHost
import Synchronization

/// Several workers: what the first one does for all, and what others ask of it.
extension WorkerCore {
  /// Number of the worker.
  var worker: Int { state.ports.worker }

  /// Runs `body` for each worker; the first one's to call, while all stand still.
  mutating func coldEach(_ body: (inout WorkerCore) -> Void) {
    body(&self)
    team?.with { team in
      for index in 0..<team.others.count { body(&team.others[index].core) }
    }
  }

  /// Runs `body` while all workers stand still, and has the others take over what it changes; the first worker's to call, at
  /// any place where it has told nobody how things are.
  mutating func coldAlone<Result>(_ body: (inout WorkerCore) -> Result) -> Result {
    guard let team, !team.with(\.isStill) else { return body(&self) }
    coldBeginAlone(team)
    let result = body(&self)
    coldEndAlone(team)
    return result
  }

  private mutating func coldBeginAlone(_ team: Held<WorkerTeam>) {
    team.with {
      $0.standstill.coldClose()
      $0.isStill = true
    }
    // A queue may go to another worker: nobody else calls for it from then on.
    coldEach { $0.state.ports.settleCalls() }
  }

  private mutating func coldEndAlone(_ team: Held<WorkerTeam>) {
    coldShare()
    assert(coldDisagreement() == nil, "changed and not noted: \(coldDisagreement() ?? "")")
    team.with {
      $0.isStill = false
      $0.standstill.coldOpen()
    }
  }

  /// A port of which another worker has not the settings of the first, and which; nil = there is none.
  private func coldDisagreement() -> String? {
    team?.with { team in
      for index in 0..<team.others.count {
        for port in 0..<state.ports.limit {
          let found = team.others[index].core.state.ports[port].differences(from: state.ports[port])
          if !found.isEmpty { return "port \(port) of worker \(index + 1): \(found)" }
        }
      }
      return nil
    } ?? nil
  }

  /// Runs what there is of commands, between two turns of all workers.
  mutating func coldRunCommands(_ commands: CommandQueue<WorkerCore>) {
    coldAlone { core in
      // A command may stop a ring: its driver must not miss a call for what was published before.
      core.state.ports.settleCalls()
      // What others have put into rings is no later than this.
      core.state.ports.active.now = clinux_rdtsc()
      commands.coldRun(&core)
      // Whatever has become of the ports: those at rest were left as they were.
      core.coldEach { $0.state.ports.coldWakeAll() }
    }
  }

  /// Has the first worker do something that is no business of this one; without waiting for it.
  mutating func coldAsk(_ body: @escaping @Sendable (inout WorkerCore) -> Void) {
    team?.with { $0.commands.submit(body) }
  }

  /// The same, and waits until it is done: meanwhile ports may go, and other frames may come.
  mutating func coldAskAndWait(_ body: @escaping @Sendable (inout WorkerCore) -> Void) {
    guard let team else { return }
    let isDone = StopFlag()
    let worker = worker
    team.with { team in
      team.askers.add(1, ordering: .sequentiallyConsistent)
      team.standstill.leave(worker)
      team.commands.submit { core in
        body(&core)
        isDone.value.store(true, ordering: .releasing)
      }
      while !isDone.value.load(ordering: .acquiring) { usleep(20) }
      team.standstill.enter(worker)
      team.askers.subtract(1, ordering: .sequentiallyConsistent)
    }
  }

  /// Has other workers take over the settings that have changed, and gives queues that run to those that they belong to.
  mutating func coldShare() {
    guard let team else { return }
    team.with { team in
      for index in 0..<team.others.count { team.others[index].core.state.ports.coldTakeOver(state.ports) }
      for port in Set(state.ports.changed) {
        guard state.ports[port].kind != .none else {
          team.spread.forget(port)
          continue
        }
        let running = state.ports.coldQueues(port)
        team.spread.keep(port, running)
        var queues = running & state.ports[port].ownQueues
        while queues != 0 {
          let queue = queues.trailingZeroBitCount
          queues &= queues &- 1
          let worker = team.spread.place(port, queue)
          if worker > 0 { coldMove(port, queue, to: worker, team) }
        }
      }
    }
    state.ports.changed = []
  }

  /// Gives one of the first worker's queues to another.
  private mutating func coldMove(_ port: Int, _ queue: Int, to worker: Int, _ team: WorkerTeam) {
    let needsLooks = state.ports.coldGive(port, queue)
    team.others[worker - 1].core.state.ports.coldTake(port, queue, needsLooks: needsLooks)
    team.others[worker - 1].wake()
  }

  /// Takes all queues of a port back to the first worker, who is about to change something about them; `coldShare` gives them
  /// back.
  mutating func coldGather(_ port: Int) {
    for queue in 0..<VhostUserPort.maximumPairs { coldGather(port, queue) }
  }

  /// The same of one queue.
  mutating func coldGather(_ port: Int, _ queue: Int) {
    guard let team, state.ports[port].kind != .none else { return }
    state.ports.coldNote(port)
    team.with { team in
      let bit = UInt16(1) << UInt16(queue)
      for index in 0..<team.others.count where team.others[index].core.state.ports[port].ownQueues & bit != 0 {
        coldTakeBack(port, queue, from: index, team)
      }
    }
  }

  private mutating func coldTakeBack(_ port: Int, _ queue: Int, from index: Int, _ team: WorkerTeam) {
    let needsLooks = team.others[index].core.state.ports.coldGive(port, queue)
    state.ports.coldTake(port, queue, needsLooks: needsLooks)
  }

  /// The worker that a queue belongs to.
  func coldWorker(of port: Int, _ queue: Int) -> Int {
    team?.with { $0.spread.worker(port, queue) } ?? 0
  }

  /// Workers that serve queues of a port; the first one where there is none yet, and where it is the only one.
  func coldWorkers(of port: Int) -> Set<Int> {
    guard port < state.ports.capacity, ![.none, .patch].contains(state.ports[port].kind) else { return [] }
    guard let team else { return [0] }
    var workers: Set<Int> = []
    for queue in 0..<VhostUserPort.maximumPairs {
      if let worker = team.with({ $0.spread.worker(port, queue) }) { workers.insert(worker) }
    }
    return workers.isEmpty ? [0] : workers
  }

  /// Once a second: moves queues from workers that have much to do to those that have little.
  mutating func coldRespread() {
    guard let team else { return }
    coldAlone { core in
      let now = clinux_rdtsc()
      let moves = team.with { team -> [Spread.Move] in
        let window = now &- team.lastSpread
        team.lastSpread = now
        return team.spread.moves(core.coldTakeLoads(), window: window)
      }
      guard !moves.isEmpty else { return }
      for move in moves { core.coldMoveQueue(move.port, move.queue, to: move.worker) }
    }
  }

  /// Gives a queue to a worker; the first worker's to call, while all stand still.
  mutating func coldMoveQueue(_ port: Int, _ queue: Int, to worker: Int) {
    guard let team, port < state.ports.capacity, state.ports[port].kind != .none else { return }
    // It comes back, and goes to where it belongs when this ends.
    coldGather(port, queue)
    team.with { $0.spread.set(port, queue, to: worker) }
  }

  /// Cycles that bursts of each queue took since the last call.
  private mutating func coldTakeLoads() -> [Spread.Load] {
    var loads: [Spread.Load] = []
    team?.with { team in
      team.spread.forEach { port, queue, worker in
        let cycles =
          worker == 0
          ? state.ports.coldTakeLoad(port, queue) : team.others[worker - 1].core.state.ports.coldTakeLoad(port, queue)
        if cycles > 0 { loads.append(Spread.Load(port: port, queue: queue, cycles: cycles)) }
      }
    }
    return loads
  }
}
