import Foundation
import LinuxHost
import Testing

extension RealThings {
  /// Guests under KVM with MSI-X, on any machine: inside one that QEMU emulates with AMD's SVM.
  ///
  /// The one way to show kicks by ioeventfd, calls by irqfd and MSI-X without a processor that can virtualize.
  @Suite struct KVMGuests {
    @Test(.timeLimit(.minutes(7))) func twoGuestsOnOneSwitch() async throws {
      try await Sandbox.use { sandbox in
        let initramfs = "\(sandbox.folder)/outer.cpio"
        let built = try await execute(
          ["\(projectRoot)/tools/guest-kvm/build", sandbox.binary, sandbox.guestFolder, initramfs], within: 120)
        try #require(built.status == 0, "\(built)")
        let console = "\(sandbox.folder)/console.log"
        let machine = try sandbox.start(
          [
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-machine", "q35", "-accel", "tcg,thread=multi", "-smp", "2", "-m", "3G", "-cpu", "EPYC,+svm,+npt",
            "-kernel", "\(sandbox.guestFolder)/vmlinuz", "-initrd", initramfs,
            "-append", "console=ttyS0 quiet rdinit=/init panic=-1", "-serial", "file:\(console)",
          ], log: "qemu.log")
        #expect(await machine.wait(timeoutSeconds: 360), "the emulated machine does not end")
        let said = text(of: console) ?? ""
        let facts = said.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("KVM: ") }
        #expect(facts.last == "KVM: PASS", "\(said)")
        Self.check(facts.map(String.init))
        #expect(said.contains("2 tests: 2 passed, 0 failed"))
      }
    }

    private static func check(_ facts: [String]) {
      let machines = facts.filter { $0.hasPrefix("KVM: QEMU ") }
      #expect(machines.count == 2, "\(facts)")
      for machine in machines {
        #expect(machine.contains(" -accel kvm "))
        #expect(machine.contains("virtio-net-pci") && !machine.contains("vectors=0"))
      }
      for guest in ["vm1", "vm2"] {
        let rows = facts.filter { $0.hasPrefix("KVM: interrupts of \(guest): ") && $0.contains("PCI-MSI") }
        for queue in ["input", "output"] {
          #expect(rows.contains { $0.contains("-\(queue).0") }, "no MSI-X vector of the \(queue) queue: \(facts)")
        }
      }
    }
  }
}
