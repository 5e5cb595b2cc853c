import Glibc

/// Mappings in this process of the file behind a descriptor.
///
/// Unlike the size of all mappings this does not move with what other tests do meanwhile.
func mappings(of descriptor: CInt) -> Int {
  var status = stat()
  guard fstat(descriptor, &status) == 0, let file = fopen("/proc/self/maps", "re") else { return -1 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 1024)
  var count = 0
  while fgets(&line, CInt(line.count), file) != nil {
    let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let fields = text.split(separator: " ", omittingEmptySubsequences: true)
    if fields.count > 4, fields[4] == "\(status.st_ino)", text.contains("memfd:") || text.contains("/apg-") {
      count += 1
    }
  }
  return count
}
