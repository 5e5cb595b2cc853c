import GuestKit

/// What this program can be asked for: `tools/fuzz` knows the same words.
let targets: [String: @Sendable ([UInt8]) -> Void] = [
  "messages": fuzzMessages,
  "split-ring": { fuzzRings($0, .split) },
  "packed-ring": { fuzzRings($0, .packed) },
  "edit": fuzzEdit,
  "cut": fuzzCut,
  "switch": fuzzSwitch,
  "stream": fuzzStream,
  "captures": fuzzCaptures,
]
