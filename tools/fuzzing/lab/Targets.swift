/// What this program can be asked for: `tools/fuzz` knows the same words.
let targets: [String: @Sendable ([UInt8]) -> Void] = [
  "lab-file": fuzzLabFile,
  "bodies": fuzzBodies,
  "saved": fuzzSaved,
]
