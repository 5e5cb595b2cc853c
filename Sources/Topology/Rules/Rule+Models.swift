extension Rule {
  /// L216: an MTU that the driver of an emulated NIC refuses.
  static func modelMTUs(_ subject: RuleSubject) {
    var reported: Set<Span> = []
    for nic in subject.nics {
      guard let mtu = nic.draft.mtu, let model = nic.draft.model, let most = model.value.largestMTU, mtu.value > most,
        reported.insert(mtu.span).inserted
      else { continue }
      let message = "MTU \(mtu.value) of \(nic.name) is more than a NIC of model \(model.value.rawValue) takes, \(most)"
      let notes = [Diagnostic.Note("the model is here", at: model.span)]
      subject.reporter.error(.mtu, mtu.span, message, notes: notes)
    }
  }

  /// L211: several queues of an emulated NIC, which has one pair.
  ///
  /// L213: offloads that it leaves to the switch, as every frame of it passes whole through QEMU.
  static func modelKeys(_ subject: RuleSubject) {
    var reported: Set<Span> = []
    for nic in subject.nics {
      guard let model = nic.draft.model, model.value.isEmulated else { continue }
      let word = model.value.rawValue
      let notes = [Diagnostic.Note("the model is here", at: model.span)]
      if let queues = nic.draft.queues, queues.value > 1, reported.insert(queues.span).inserted {
        let message = "a NIC of model \(word) has one pair of queues, \(nic.name) asks for \(queues.value)"
        subject.reporter.error(
          .contradiction, queues.span, message, hint: "leave \"queues\" out, or take model: virtio", notes: notes)
      }
      if let offload = nic.draft.offload, offload.value != .off, reported.insert(offload.span).inserted {
        let message =
          "\"offload\" has no effect on a NIC of model \(word): its frames come and go whole, with their checksums"
        subject.reporter.warning(.withoutEffect, offload.span, message, notes: notes)
      }
    }
  }
}
