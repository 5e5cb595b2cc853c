import Capture

/// Files of captures: whatever the bytes are.
func fuzzCaptures(_ bytes: [UInt8]) {
  readFile(bytes)
  readStream(bytes)
}

/// What a reader makes of some bytes.
private struct Reading: Equatable {
  var items: [CaptureFileItem] = []
  var error: CaptureFileError?

  init(_ bytes: [UInt8], step: Int) {
    var reader = CaptureFileReader()
    var offset = 0
    do throws(CaptureFileError) {
      while offset < bytes.count {
        let end = bytes.count - offset > step ? offset + step : bytes.count
        reader.append(Array(bytes[offset..<end]))
        offset = end
        while let item = try reader.next() { items.append(item) }
      }
      try reader.finish()
    } catch {
      self.error = error
    }
  }
}

/// Whatever the bytes are, they are read in bounds, and the same whether they come at once or in pieces.
private func readFile(_ bytes: [UInt8]) {
  let whole = Reading(bytes, step: .max)
  let pieces = Reading(bytes, step: 1 + bytes.count % 61)
  precondition(whole == pieces, "in pieces the file is another")
  for case .packet(let packet) in whole.items {
    precondition(packet.bytes.count <= bytes.count, "more bytes than the file has")
    // What is printed of a frame is read out of it too.
    _ = FrameSummary(packet.bytes, length: packet.packet.originalLength).text
  }
}

/// The same for the client's side of a live capture, which is to be whole blocks.
private func readStream(_ bytes: [UInt8]) {
  var splitter = PcapngBlockSplitter()
  var tally = PcapngTally()
  let step = 1 + bytes.count % 53
  do throws(CaptureFileError) {
    for start in stride(from: 0, to: bytes.count, by: step) {
      try tally.add(try splitter.add(Array(bytes[start..<min(start + step, bytes.count)])))
    }
  } catch {
    return
  }
  precondition(tally.bytes + UInt64(splitter.pendingCount) == UInt64(bytes.count), "bytes are lost")
}
