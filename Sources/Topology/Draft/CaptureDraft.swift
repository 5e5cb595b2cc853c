/// `capture:` entry.
struct CaptureDraft {
  /// As written: `vm1:eth0`, `wire1`, `sw1`, `all`.
  var targets: [Located<String>]
  /// As written.
  var file: Located<String>
  var ring: CaptureDefinition.Ring?
  var snap: Int?
  var filter: Located<String>?
  var direction: CaptureDefinition.Direction?
}
