import Dataplane
import FoundationEssentials
import Topology

@testable import Lab

/// A value that is written down by one daemon and read by another.
private func keep<Value: Codable & Sendable>(_ type: Value.Type) -> @Sendable ([UInt8]) -> Void {
  { bytes in
    guard let value = try? JSONDecoder().decode(type, from: Data(bytes)) else { return }
    // JSON has no number that is infinite.
    guard let written = try? JSONEncoder().encode(value) else { return }
    _ = demanded("\(type) is not read as it was written") { try JSONDecoder().decode(type, from: written) }
  }
}

private let kept: [@Sendable ([UInt8]) -> Void] = [
  keep(CanonicalLab.self), keep(PlaneState.self), keep(SwitchSnapshot.self), keep(SavedManifest.self),
  keep(SavedNodes.self), keep(RunTimeState.self), keep(NodeRecord.self), keep(TakenInterface.self),
]

/// Files of saved labs and of the state folder, the first byte says which: what is read can be written and read again.
func fuzzSaved(_ bytes: [UInt8]) {
  guard let first = bytes.first else { return }
  kept[Int(first) % kept.count](Array(bytes.dropFirst()))
}
