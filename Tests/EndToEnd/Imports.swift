import Foundation
import TestSupport
import Testing

extension RealThings {
  /// `import`: what other tools' files declare comes up, and its hosts reach each other.
  @Suite struct Imports {
    /// Writes files of a folder in the sandbox's own.
    private static func write(_ files: [String: String], _ folder: String, _ sandbox: Sandbox) throws -> String {
      let path = "\(sandbox.folder)/\(folder)"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      for (name, text) in files { try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8) }
      return path
    }

    @Test(.timeLimit(.minutes(6))) func katharaRoutersForward() async throws {
      let files = [
        "lab.conf": """
        LAB_NAME="ape kat"
        pc1[0]="A"
        r1[0]="A"
        r1[1]="B"
        r2[0]="B"
        r2[1]="C"
        pc2[0]="C"
        """,
        "pc1.startup": "ip address add 10.0.1.2/24 dev eth0\nip route add default via 10.0.1.1 dev eth0\n",
        "r1.startup": """
        ip address add 10.0.1.1/24 dev eth0
        ip address add 10.0.2.1/30 dev eth1
        ip route add 10.0.3.0/24 via 10.0.2.2 dev eth1
        systemctl start frr
        """,
        "r2.startup": """
        ifconfig eth0 10.0.2.2/30 up
        ifconfig eth1 10.0.3.1 netmask 255.255.255.0 up
        route add -net 10.0.1.0/24 gw 10.0.2.1 dev eth0
        """,
        "pc2.startup": "ifconfig eth0 10.0.3.2/24 up\nroute add default gw 10.0.3.1\n",
      ]
      try await Sandbox.use { sandbox in
        let (folder, file) = (try Self.write(files, "kat", sandbox), "\(sandbox.folder)/kat.lab.yaml")
        let imported = try await sandbox.apus("import", folder, "-o", file, expecting: 0)
        #expect(imported.errors.contains("\(folder)/r1.startup:4: lost: "), "\(imported)")
        try await sandbox.apus("import", folder, "-o", file, expecting: 2)
        try await sandbox.apus("up", file, expecting: 0, within: 200)
        try await sandbox.pings("pc1", "10.0.3.2", lab: "ape-kat")
      }
    }

    @Test(.timeLimit(.minutes(6))) func containerlabBridgePassesTags() async throws {
      let text = """
        name: ape-clab
        topology:
          defaults: { kind: linux }
          nodes:
            br: { kind: bridge }
            n1: { exec: ["ip addr add 10.0.0.1/24 dev eth1"] }
            n2: { exec: ["ip addr add 10.0.0.2/24 dev eth1"] }
            n3:
          links:
            - endpoints: ["n1:eth1", "br:p1"]
            - endpoints: ["n2:eth1", "br:p2"]
            - endpoints: ["n3:eth1", "br:p3"]
        """
      try await Sandbox.use { sandbox in
        let (folder, file) = (try Self.write(["a.clab.yml": text], "clab", sandbox), "\(sandbox.folder)/clab.lab.yaml")
        try await sandbox.apus("import", "\(folder)/a.clab.yml", "-o", file, expecting: 0)
        try await sandbox.apus("up", file, expecting: 0, within: 200)
        try await sandbox.pings("n1", "10.0.0.2", lab: "ape-clab")
        let traced = try await sandbox.apus(
          "trace", "--lab", "ape-clab", "n1.eth1", "vlan=7", "type=arp", "-o", "json", expecting: 0)
        // The tag, as it came in, at both of the others.
        #expect(traced.output.components(separatedBy: "810000070806").count == 3, "\(traced)")
      }
    }

    @Test(.timeLimit(.minutes(6))) func reportAndLabFileAreTwo() async throws {
      try await Sandbox.use { sandbox in
        let folder = try Self.write(["lab.conf": "a[0]=X\na[image]=x\n"], "two", sandbox)
        let (target, report) = ("\(sandbox.folder)/two.lab.yaml", "\(sandbox.folder)/two.json")
        let same = try await sandbox.apus("import", folder, "-o", target, "--report", target, "--force", expecting: 2)
        #expect(same.errors.contains("-o and --report both name"), "\(same)")
        try await sandbox.apus("import", folder, "-o", target, "--report", report, "--strict", expecting: 2)
        #expect(FileManager.default.fileExists(atPath: report))
        #expect(!FileManager.default.fileExists(atPath: target))
      }
    }

    @Test(.timeLimit(.minutes(6))) func badFilesLeaveNothing() async throws {
      try await Sandbox.use { sandbox in
        let folder = try Self.write(["a.clab.yml": "name: x\ntopology: [\n"], "bad", sandbox)
        let target = "\(sandbox.folder)/bad.lab.yaml"
        let broken = try await sandbox.apus("import", "\(folder)/a.clab.yml", "-o", target, expecting: 2)
        #expect(broken.errors.contains("\(folder)/a.clab.yml:3: error: "), "\(broken)")
        try Data(count: 100 << 20).write(to: URL(filePath: "\(folder)/large.clab.yml"))
        let large = try await sandbox.apus("import", "\(folder)/large.clab.yml", "-o", target, expecting: 2)
        #expect(large.errors.contains("more than 10485760 bytes"), "\(large)")
        // A link in the folder leads out of it, and is no file of it.
        let outside = try Self.write(["s": "ip addr add 10.0.0.1/24 dev eth0\n"], "outside", sandbox)
        let lab = try Self.write(["lab.conf": "a[0]=X\n"], "linked", sandbox)
        try FileManager.default.createSymbolicLink(atPath: "\(lab)/a.startup", withDestinationPath: "\(outside)/s")
        let linked = try await sandbox.apus("import", lab, "-o", target, expecting: 2)
        #expect(linked.errors.contains("a.startup: error: "), "\(linked)")
        try await sandbox.apus("import", "\(folder)/none", "-o", target, expecting: 2)
        #expect(!FileManager.default.fileExists(atPath: target))
      }
    }
  }
}
