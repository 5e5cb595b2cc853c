import Testing
import Topology

@testable import Lab

@Suite struct BuiltinGuestTests {
  @Test func commandLineTellsNamesAddressesAndRoutes() throws {
    var first = nic("eth0", addresses: ["10.0.0.1/24", "fd00::1/64"])
    first.gateway = "10.0.0.254"
    var onLink = RouteDefinition(to: "10.9.0.0/16", via: "192.0.2.1")
    onLink.metric = 5
    onLink.isOnLink = true
    first.routes = [onLink, RouteDefinition(to: "::/0", via: "fe80::1")]
    var second = nic("eth1", mac: "02:00:00:00:00:02")
    second.mtu = 9000
    second.addresses = [
      AddressDefinition(address: "10.0.10.1/24", vlan: 10), AddressDefinition(address: "10.0.20.1/24", vlan: 20),
    ]
    #expect(
      try BuiltinGuest.commandLine(for: node("vm1", "vm", [first, second])) == """
        console=ttyS0 quiet cryptomgr.notests nokaslr mitigations=off no_timer_check tsc=reliable apus.name=vm1 \
        apus.nic=eth0,02:00:00:00:00:01,10.0.0.1/24,fd00::1/64 apus.nic=eth1,02:00:00:00:00:02,mtu=9000 \
        apus.vlan=eth1,10,10.0.10.1/24 apus.vlan=eth1,20,10.0.20.1/24 \
        apus.route=default,10.0.0.254,eth0 apus.route=10.9.0.0/16,192.0.2.1,eth0,metric=5,onlink \
        apus.route=default,fe80::1,eth0
        """)
  }

  @Test func commandLineThatTheKernelWouldCutIsRefused() {
    let addresses = (0..<200).map { "10.0.\($0).1/24" }
    #expect {
      try BuiltinGuest.commandLine(for: node("vm1", "vm", [nic(addresses: addresses)]))
    } throws: { error in
      (error as? UserError)?.code == .badInput && "\(error)".contains("node vm1") && "\(error)".contains("2047")
    }
  }

  @Test func kernelIsThatOfTheNICs() {
    var machine = node("vm1", "vm", [nic("eth0"), nic("eth1")])
    #expect(BuiltinGuest.Kernel(for: machine) == .cloud)
    machine.nics[1].model = .rtl8139
    #expect(BuiltinGuest.Kernel(for: machine) == .full)
  }

  @Test func foldersInOrder() {
    #expect(
      BuiltinGuest.folders(environment: [:], executable: "/opt/x/apus") == [
        "/opt/x/guest", "/usr/share/apus/guest", "/usr/local/share/apus/guest",
      ])
    #expect(BuiltinGuest.folders(environment: ["APUS_GUEST_DIR": "/g"], executable: "/opt/x/apus") == ["/g"])
    #expect(BuiltinGuest.folders(environment: ["APUS_GUEST_DIR": ""], executable: "/apus").first == "/guest")
  }

  @Test func firstFolderWithBothFilesIsTaken() throws {
    try withTemporaryDirectories { directories in
      let (half, whole) = (directories.state("half"), directories.state("whole"))
      for folder in [half, whole] { try Files.makeDirectory(folder) }
      for file in ["\(half)/vmlinuz", "\(whole)/vmlinuz", "\(whole)/initramfs.gz"] { try Files.write([], to: file) }
      let guest = try BuiltinGuest.find(in: [half, whole])
      #expect(guest == BuiltinGuest(kernel: "\(whole)/vmlinuz", initialRAMDisk: "\(whole)/initramfs.gz"))
      let error = #expect(throws: UserError.self) { try BuiltinGuest.find(in: [half]) }
      #expect(error?.message.contains(half) == true)
      #expect(error?.hint?.contains("tools/setup") == true)
      let full = #expect(throws: UserError.self) { try BuiltinGuest.find(.full, in: [half, whole]) }
      #expect(full?.message.contains("vmlinuz-full, initramfs-full.gz") == true)
      for file in ["vmlinuz-full", "initramfs-full.gz"] { try Files.write([], to: "\(half)/\(file)") }
      #expect(try BuiltinGuest.find(.full, in: [half, whole]).kernel == "\(half)/vmlinuz-full")
    }
  }
}
