import GuestKit
import TestSupport
import VhostUser

private let files = demanded("files") { try HostileFiles() }

/// Whole vhost-user messages with numbers that break things, which get into the methods that read payloads.
///
/// As long as lengths are true each message is answered once, or ends the session for a reason; and no descriptor is kept.
func fuzzMessages(_ bytes: [UInt8]) {
  _ = files
  demandNoDescriptorKept {
    var choices = Choices(bytes)
    demanded("the bench") { try talk(&choices) }
  }
}

private func talk(_ choices: inout Choices) throws {
  let owner = RecordingOwner()
  owner.offersKeeping()
  if choices.flag() { owner.offer.features |= VirtioFeature.packedRing }
  let transport = SessionTransport(owner)
  let frontEnd = FrontEnd(transport)
  frontEnd.timeout = 1000
  let acknowledges = choices.byte() % 4 > 0
  if acknowledges { try frontEnd.setProtocolFeatures(owner.offer.protocolFeatures) }
  if choices.flag() { try frontEnd.setFeatures(owner.offer.features) }
  transport.readSize = choices.flag() ? Int.max : choices.number(below: 40) + 1
  var isTrue = acknowledges
  var count = 0
  while !choices.isEmpty, transport.session != nil, count < 64 {
    count += 1
    let mood = choices.byte()
    owner.pending = mood & 1 != 0 ? Set(RecordingOwner.Kind.allCases) : [.stop]
    owner.refused = mood & 0xE == 0 ? Set(RecordingOwner.Kind.allCases) : []
    var message = HostileMessage(&choices, files)
    if message.request == Request.setProtocolFeatures.rawValue, acknowledges { isTrue = false }
    message.spoil(&choices)
    if message.size != message.payload.count || message.flags != 9 { isTrue = false }
    try frontEnd.send(
      message.request, payload: message.payload, descriptors: message.descriptors, flags: message.flags,
      size: UInt32(truncatingIfNeeded: message.size))
    guard transport.session != nil else {
      demand(transport.failure != nil, "a session ended without a reason")
      continue
    }
    guard isTrue else { continue }
    _ = demanded("an answer to \(Request.name(message.request))") { try frontEnd.readReply(message.request) }
    demand(transport.output.isEmpty, "more than one answer to \(Request.name(message.request))")
    _ = transport.takeDescriptors()
  }
  _ = transport.takeDescriptors()
  transport.close()
  owner.lastStart = nil
}
