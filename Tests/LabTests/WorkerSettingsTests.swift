import LinuxHost
import Testing
import Topology

@testable import Dataplane
@testable import Lab

/// `workers:` as the data plane has it.
@Suite struct WorkerSettingsTests {
  private func configuration(_ change: (inout WorkerSettings) -> Void, processors: Int?) -> DataplaneConfiguration {
    var lab = CanonicalLab(name: "a")
    change(&lab.workers)
    return DataplaneConfiguration(lab, processors: processors)
  }

  @Test func autoIsAsManyAsThisProcessMayUse() throws {
    #expect(configuration({ $0.count = .auto }, processors: 3).workerCount == 3)
    #expect(configuration({ $0.count = .auto }, processors: 64).workerCount == 4)
    #expect(configuration({ $0.count = .auto }, processors: nil).workerCount == 1)
    #expect(configuration({ $0.count = 64 }, processors: 1).workerCount == 64)
    var lab = CanonicalLab(name: "a")
    lab.workers.count = .auto
    let usable = try #require(HostFacts.processors).reduce(0) { $0 + $1.count }
    #expect(DataplaneConfiguration(lab).workerCount == min(usable, 4))
  }

  @Test func eachWorkerHasItsProcessor() {
    var plane = configuration({ ($0.count, $0.cpus) = (2, [3, 1]) }, processors: 4)
    #expect((0..<2).map { plane.cpu(ofWorker: $0) } == [3, 1])
    // Through the API there may be fewer than workers.
    plane.workerCount = 5
    #expect((0..<5).map { plane.cpu(ofWorker: $0) } == [3, 1, 3, 1, 3])
    plane.cpus = []
    #expect(plane.cpu(ofWorker: 1) == nil)
  }
}
