import Foundation
import LinuxHost
import Testing

extension RealThings {
  /// Guests of Xen on a lab's switch by tools/xen/vif-apus: Xen itself, its dom0 with the program in it, and a
  /// paravirtual guest, all inside a machine that QEMU emulates.
  @Suite struct XenGuests {
    @Test(.timeLimit(.minutes(10))) func vifsBecomePorts() async throws {
      try await Sandbox.use { sandbox in
        let folder = "\(projectRoot)/.build/xen"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let built = try await execute(["\(projectRoot)/tools/xen/build", sandbox.binary, folder], within: 300)
        try #require(built.status == 0, "\(built)")
        let console = "\(sandbox.folder)/console.log"
        let machine = try sandbox.start(Self.command(folder, console), log: "qemu.log")
        #expect(await machine.wait(timeoutSeconds: 400), "the emulated machine does not end")
        let said = text(of: console) ?? ""
        let facts = said.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("XEN: ") }.map(String.init)
        #expect(facts.last == "XEN: PASS", "\(said.suffix(8000))")
        for fact in [
          "a guest of Xen reaches a namespace", "a NIC that was attached reaches a namespace in its VLAN",
          "its port is gone after network-detach", "its port is gone after xl destroy",
        ] {
          #expect(facts.contains("XEN: \(fact)"), "\(facts)")
        }
        // xl shows why Apus refused the port of a guest.
        #expect(facts.contains { $0.hasPrefix("XEN: refused: ") && $0.contains("script: ") && $0.contains("sw9") })
      }
    }

    /// The features that are taken away are those by which Xen does not come up, or not stay up, under QEMU's TCG.
    ///
    /// Its guests lose registers there unless each switch between them saves all: Xen leaves it, as a rule, until the next
    /// one uses them (`eager-fpu`).
    private static func command(_ folder: String, _ console: String) -> [String] {
      let xen =
        "console=com1 com1=115200,8n1 dom0_mem=1300M,max:1300M mwait-idle=no cpuidle=no ucode=no spec-ctrl=eager-fpu=true"
      return [
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-accel", "tcg",
        "-cpu", "EPYC,-smap,-smep,-monitor,-avx,-avx2,-f16c,-fma,-xsave,-fxsr-opt", "-m", "2560",
        "-kernel", "\(folder)/xen.elf", "-append", xen,
        "-initrd", "\(folder)/vmlinuz console=hvc0 quiet rdinit=/init,\(folder)/dom0.cpio",
        "-serial", "file:\(console)",
      ]
    }
  }
}
