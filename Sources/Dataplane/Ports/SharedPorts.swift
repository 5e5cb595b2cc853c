/// What the workers of a data plane share of its ports: the bodies.
///
/// What is said of a body at its own kind is who may touch it while frames move; bodies come and go while all workers stand
/// still (`Standstill`), by the first of them.
final class SharedPorts: @unchecked Sendable {
  var vhostUser = PortPool<VhostUserPort> { VhostUserPort() }
  var tap = PortPool<TAPPort> { TAPPort() }
  var nic = PortPool<NICPort> { NICPort() }
  var stream = PortPool<StreamPort> { StreamPort() }
  var dgram = PortPool<DatagramPort> { DatagramPort() }
  /// Workers that there are.
  let workerCount: Int

  init(workerCount: Int = 1) { self.workerCount = workerCount }
}
