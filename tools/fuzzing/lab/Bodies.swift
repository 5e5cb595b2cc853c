import Lab

@testable import Control

/// A body of a request: what is of its shape is read, can be written, and is the same then.
private func body<Value: Described & Equatable>(_ type: Value.Type) -> @Sendable ([UInt8]) -> Void {
  { bytes in
    guard let value = try? JSON.decode(JSONValue.self, from: bytes) else { return }
    do {
      try Value.shape.check(value)
    } catch {
      _ = "\(error)"
      return
    }
    // Rules between keys, which a shape does not know, may refuse it still.
    guard let read = try? JSON.decode(type, from: bytes) else { return }
    let written = demanded("\(type) cannot be written") { try JSON.bytes(read) }
    let again = demanded("\(type) is not read as it was written: \(written)") {
      try JSON.decode(type, from: written)
    }
    demand(again == read, "\(type) is another when it is read again")
  }
}

/// A lab as JSON: what is of its shape is a lab, or refused with a reason.
@Sendable private func labDocument(_ bytes: [UInt8]) {
  body(LabDocument.self)(bytes)
  guard let document = try? JSON.decode(LabDocument.self, from: bytes) else { return }
  do throws(UserError) {
    _ = LabDocument(try document.lab())
  } catch {
    demand(!error.message.isEmpty, "a refusal without a reason")
  }
}

private let bodies: [@Sendable ([UInt8]) -> Void] = [
  labDocument, body(PortRequest.self), body(PortSettings.self), body(StationBody.self), body(LinkState.self),
  body(LinkRequest.self), body(TraceRequest.self), body(FilterRequest.self), body(ReplayRequest.self),
  body(SessionRequest.self), body(TestRequest.self), body(UpgradeRequest.self), body(ExecuteRequest.self),
  body(WantedPort.self), body(WantedStation.self),
]

/// Bodies of requests of the API, the first byte says of which.
func fuzzBodies(_ bytes: [UInt8]) {
  guard let first = bytes.first else { return }
  bodies[Int(first) % bodies.count](Array(bytes.dropFirst()))
}
