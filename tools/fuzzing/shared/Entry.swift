import Glibc

/// What must hold does not: the input is a finding.
func demand(_ condition: @autoclosure () throws -> Bool, _ what: @autoclosure () -> String) {
  do {
    if try condition() { return }
  } catch {
    fatalError("\(what()): \(error)")
  }
  fatalError(what())
}

/// As `demand` of what must not fail.
func demanded<Value>(_ what: @autoclosure () -> String, _ body: () throws -> Value) -> Value {
  do { return try body() } catch { fatalError("\(what()): \(error)") }
}

/// Demands that as many descriptors are open behind `body` as before it: the lowest that is free is the same.
func demandNoDescriptorKept(_ body: () -> Void) {
  func lowest() -> CInt {
    let number = dup(0)
    close(number)
    return number
  }
  let before = lowest()
  body()
  demand(lowest() == before, "a descriptor is kept")
}

/// The target of this process, by the word that `tools/fuzz` puts into the environment.
private let target: @Sendable ([UInt8]) -> Void = {
  let name = getenv("APUS_FUZZ_TARGET").map { String(cString: $0) } ?? ""
  guard let target = targets[name] else { fatalError("no target \"\(name)\"") }
  return target
}()

/// libFuzzer calls this with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  target(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}
