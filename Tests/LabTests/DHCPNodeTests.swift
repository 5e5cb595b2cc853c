import Foundation
import Frames
import Synchronization
import Testing
import Topology

@testable import Lab

/// What the server of a VLAN is told, and the disks of machines without an image.
@Suite struct DHCPNodeTests {
  private func host(_ name: String, _ mac: String, _ addresses: [String]) throws -> DHCPDefinition.Host {
    DHCPDefinition.Host(name: name, mac: try #require(MACAddress(mac)), addresses: addresses)
  }

  private func text(_ definition: DHCPDefinition) -> String {
    DNSMasqConfiguration(
      lab: "l", definition: definition, address: "10.0.20.254/23", interface: "eth0", leases: "/d/dhcp.leases",
      log: "/d/dnsmasq.log", pid: "/s/dnsmasq.pid"
    ).text
  }

  @Test func dnsmasqIsTold() throws {
    var dhcp = DHCPDefinition()
    dhcp.hosts = [
      try host("vm1", "02:00:00:00:00:01", ["fd00::1", "10.0.20.1"]),
      try host("vm1", "02:00:00:00:00:02", ["10.0.20.2"]),
      try host("six", "02:00:00:00:00:03", ["fd00::3"]),
    ]
    dhcp.ranges = [.init(first: "10.0.20.3", last: "10.0.20.9"), .init(first: "10.0.20.11", last: "10.0.20.11")]
    #expect(
      text(dhcp) == """
        no-hosts
        no-resolv
        no-poll
        port=53
        interface=eth0
        except-interface=lo
        bind-interfaces
        user=root
        group=root
        pid-file="/s/dnsmasq.pid"
        log-facility="/d/dnsmasq.log"
        domain-needed
        bogus-priv
        domain=l
        local=/l/
        expand-hosts
        host-record=vm1.l,vm1,fd00::1
        host-record=vm1.l,vm1,10.0.20.1
        host-record=vm1.l,vm1,10.0.20.2
        host-record=six.l,six,fd00::3
        dhcp-authoritative
        dhcp-leasefile="/d/dhcp.leases"
        no-ping
        dhcp-ignore-names
        dhcp-lease-max=1000
        dhcp-range=10.0.20.3,10.0.20.9,255.255.254.0,3600
        dhcp-range=10.0.20.11,10.0.20.11,255.255.254.0,3600
        dhcp-range=10.0.20.254,static,255.255.254.0,3600
        dhcp-option=option:router
        dhcp-host=02:00:00:00:00:01,10.0.20.1,vm1.l,3600
        dhcp-host=02:00:00:00:00:02,10.0.20.2,3600

        """)
  }

  @Test func whatMachinesStartFrom() throws {
    var dhcp = DHCPDefinition()
    dhcp.gateway = "10.0.20.7"
    var boot = DHCPDefinition.Boot(root: #"/labs/a,"b"\"#)
    (boot.bios, boot.uefi) = ("boot.ipxe", "grub,x64.efi")
    dhcp.boot = boot
    let lines = text(dhcp).split(separator: "\n").map { String($0) }
    #expect(
      Array(lines.suffix(11)) == [
        "dhcp-option=option:router,10.0.20.7", "enable-tftp", #"tftp-root="/labs/a,\"b\"\\""#, "dhcp-no-override",
        "dhcp-match=set:uefi,option:client-arch,7", "dhcp-match=set:uefi,option:client-arch,9",
        "dhcp-match=set:web,option:client-arch,16", #"dhcp-boot=tag:!uefi,tag:!web,"boot.ipxe""#,
        #"dhcp-boot=tag:uefi,"grub,x64.efi""#, #"dhcp-boot=tag:web,"http://10.0.20.254/grub,x64.efi""#,
        "dhcp-option-force=tag:web,60,HTTPClient",
      ])
  }

  @Test func namesThatDnsmasqTakesForSomethingElse() throws {
    var dhcp = DHCPDefinition()
    dhcp.hosts = [
      try host("7", "02:00:00:00:00:01", ["10.0.20.1"]), try host("ignore", "02:00:00:00:00:02", ["10.0.20.2"]),
    ]
    dhcp.ranges = [.init(first: "10.0.20.3", last: "10.0.24.2"), .init(first: "10.1.0.0", last: "10.1.0.255")]
    let lines = text(dhcp).split(separator: "\n").map { String($0) }
    #expect(
      lines.filter { $0.hasPrefix("host-record") || $0.hasPrefix("dhcp-host") || $0.hasPrefix("dhcp-lease-max") } == [
        "host-record=7.l,7.,10.0.20.1", "host-record=ignore.l,ignore,10.0.20.2", "dhcp-lease-max=1282",
        "dhcp-host=02:00:00:00:00:01,10.0.20.1,7.l,3600", "dhcp-host=02:00:00:00:00:02,10.0.20.2,ignore.l,3600",
      ])
    dhcp.ranges = [.init(first: "10.0.0.0", last: "10.255.255.255")]
    #expect(text(dhcp).contains("\ndhcp-lease-max=100002\n"))
  }

  @Test func filesOfTheWebHaveNoSpaces() {
    var dhcp = DHCPDefinition()
    var boot = DHCPDefinition.Boot(root: "/labs")
    boot.uefi = "a b/é%1?#.efi"
    dhcp.boot = boot
    #expect(text(dhcp).contains("\ndhcp-boot=tag:web,\"http://10.0.20.254/a%20b/%C3%A9%251%3F%23.efi\"\n"))
  }

  @Test func strangersLoseAddressesOfTheLab() throws {
    let kept = """
      1764450000 02:00:00:00:00:01 10.0.20.1 vm1 01:02:00:00:00:00:01
      1764450000 02:00:00:00:00:09 10.0.20.9 * *

      """
    let hosts = [
      try host("vm1", "02:00:00:00:00:01", ["fd00::1", "10.0.20.1"]),
      try host("vm2", "02:00:00:00:00:02", ["10.0.20.2"]),
    ]
    #expect(LeaseFile.text(kept + "1764450000 02:00:00:00:00:0a 10.0.20.2 * *\n", for: hosts) == kept)
    #expect(LeaseFile.text(kept, for: hosts) == kept)
    #expect(LeaseFile.text("", for: hosts) == "")
  }

  @Test func settingsOfTheWebServerAreFound() throws {
    try withTemporaryDirectories { directories in
      let root = "\(directories.dataRoot)/tftp"
      try Files.makeDirectory("\(root)/a/b")
      try FileManager.default.createSymbolicLink(atPath: "\(root)/a/loop", withDestinationPath: "..")
      #expect(ServedFolder.settings(in: root) == nil)
      try Files.write([], to: "\(root)/a/b/httpd.conf")
      #expect(ServedFolder.settings(in: root) == "\(root)/a/b/httpd.conf")
      #expect(ServedFolder.settings(in: "\(root)/none") == nil)
    }
  }

  @Test func wordsWithLineBreaksAreRefused() async throws {
    var node = NodeDefinition(name: "dhcp-blue", kind: "dhcp")
    var nic = nic("eth0")
    nic.addresses = [AddressDefinition(address: "10.0.20.254/24")]
    node.nics = [nic]
    var dhcp = DHCPDefinition()
    dhcp.gateway = "10.0.20.1\ndhcp-script=/bin/sh"
    node.dhcp = dhcp
    let environment = NodeEnvironment(
      lab: "l", directories: LabDirectories(stateRoot: "/s", dataRoot: "/d"), variables: [:])
    let error = await #expect(throws: UserError.self) {
      try await DHCPNode(node, environment).check(isNew: false, starts: true)
    }
    #expect(error?.message == "node dhcp-blue: 10.0.20.1^Jdhcp-script=/bin/sh has control characters")
    dhcp.gateway = nil
    dhcp.boot = DHCPDefinition.Boot(root: "/not there")
    node.dhcp = dhcp
    await #expect(throws: UserError.self) { try await DHCPNode(node, environment).check(isNew: false, starts: true) }
  }

  // MARK: - Empty disks

  private let variables = ProcessInfo.processInfo.environment

  private func withPaths(_ body: (NodePaths) async throws -> Void) async throws {
    try await withTemporaryDirectories { directories in
      let paths = NodePaths(directories: directories, lab: "l", node: "vm1")
      try LabFolders.makeData(paths)
      try await body(paths)
    }
  }

  @Test func emptyDiskIsKeptWhileItIsTheSame() async throws {
    try await withPaths { paths in
      let notes = Mutex<[String]>([])
      func prepare(_ size: Int, persists: Bool = false) async throws {
        try await EmptyDisk(size: size, persists: persists, paths: paths)
          .prepare(variables) { line in notes.withLock { $0.append(line) } }
      }
      try await prepare(1 << 20, persists: true)
      let first = Files.read(paths.overlay)
      #expect(EmptyDisk.Header(of: paths.overlay)?.size == 1 << 20)
      #expect(Files.exists(paths.dataDirectory + "/disk.persist"))
      try await prepare(1 << 20, persists: true)
      #expect(Files.read(paths.overlay) == first)
      let error = await #expect(throws: UserError.self) { try await prepare(2 << 20, persists: true) }
      #expect(error?.message == "the disk \(paths.overlay) has 1048576 bytes, not 2097152")
      #expect(throws: UserError.self) { try EmptyDisk(size: 2 << 20, persists: true, paths: paths).check() }
      #expect(notes.withLock { $0 } == [])
      try await prepare(2 << 20)
      #expect(EmptyDisk.Header(of: paths.overlay)?.size == 2 << 20)
      #expect(notes.withLock { $0.count } == 1)
      #expect(!Files.exists(paths.dataDirectory + "/disk.persist"))
    }
  }

  @Test func imagesAndEmptyDisksAreNotMistakenForEachOther() async throws {
    try await withPaths { paths in
      let image = "\(paths.dataDirectory)/image.img"
      try Files.write([UInt8](repeating: 7, count: 1 << 20), to: image)
      var disk = DiskDefinition(format: .raw)
      disk.persist = true
      try await EmptyDisk(size: 1 << 20, persists: true, paths: paths).prepare(variables) { _ in }
      let overlay = DiskOverlay(image: image, disk: disk, paths: paths)
      let error = await #expect(throws: UserError.self) { try await overlay.prepare(variables) }
      #expect(error?.message == "the disk \(paths.overlay) was made without an image")
      disk.persist = false
      try await DiskOverlay(image: image, disk: disk, paths: paths).prepare(variables)
      let other = await #expect(throws: UserError.self) {
        try await EmptyDisk(size: 1 << 20, persists: true, paths: paths).prepare(variables) { _ in }
      }
      #expect(other?.message == "the disk \(paths.overlay) was made from an image")
      try await EmptyDisk(size: 1 << 20, persists: false, paths: paths).prepare(variables) { _ in }
      #expect(EmptyDisk.Header(of: paths.overlay)?.hasBacking == false)
    }
  }

  @Test func variablesOfUEFIStay() async throws {
    try await withPaths { paths in
      let template = "\(paths.dataDirectory)/template"
      try Files.write([1, 2, 3], to: template)
      try UEFIVariables.prepare(paths, template: template)
      #expect(Files.read(paths.variables) == [1, 2, 3])
      try Files.write([4], to: paths.variables)
      try UEFIVariables.prepare(paths, template: template)
      #expect(Files.read(paths.variables) == [4])
    }
  }
}
