import LinuxHost
import Testing
import Topology

@testable import Lab

/// State folders outlive programs: what a daemon wrote down is read by later versions.
@Suite struct OldStateTests {
  /// `lab.json` as version 0.1.0 wrote it before `/v1/lab` had a form of its own.
  private static let text = """
    {"directory": "/labs", "links": [
       {"ends": [{"nic": {"nic": "eth1", "node": "a"}}, {"nic": {"nic": "eth0", "node": "b"}}], "kind": {"wire": {}},
        "impair": {"fromFirst": {"corrupt": 0, "delay": 0.04, "duplicate": 0, "jitter": 0, "loss": 0, "queue": 1000,
          "rate": 0, "reorder": 0}}, "name": "w"},
       {"ends": [{"switchPort": {"_0": "s1"}}, {"switchPort": {"_0": "s2"}}],
        "kind": {"trunk": {"_0": {"trunk": {"allowed": [[1, 4094]], "native": 1}}}}, "name": "t"}],
     "name": "apl1", "nodes": [
       {"cpus": 1, "image": "builtin", "kind": "vm", "memory": 134217728, "name": "a", "nics": [
         {"addresses": [{"address": "10.0.0.1/24"}], "attachment":
            {"switchPort": {"mode": {"access": {"_0": 10}}, "switch": "s1"}}, "mac": "02:00:00:00:00:01", "name": "eth0",
          "offload": true, "queues": 1, "role": "listen", "routes": []},
         {"addresses": [], "attachment": {"wire": {"link": "w"}}, "mac": "02:00:00:00:00:02", "name": "eth1",
          "offload": true, "queues": 1, "role": "listen", "routes": [{"to": "default", "via": "10.0.0.254"}]},
         {"addresses": [], "attachment": {"none": {}}, "mac": "02:00:00:00:00:03", "name": "eth2", "offload": true,
          "queues": 1, "role": "listen", "routes": []}]},
       {"cpus": 1, "kind": "netns", "memory": 134217728, "name": "b", "nics": []}],
     "source": "/labs/a.lab.yaml", "switches": [
       {"aging": 300, "linkLocal": "standard", "name": "s1"}, {"aging": 300, "linkLocal": "standard", "name": "s2"}],
     "tests": [{"action": "ping", "destination": "b", "duration": 5, "expect": "pass", "source": "a", "within": 30}],
     "vlans": [{"id": 10, "name": "red"}], "workers": {"count": 1, "cpus": [], "poll": "adaptive"}}
    """

  @Test func aLabThatWasWrittenDownBeforeIsRead() throws {
    try withTemporaryDirectories { directories in
      try LabFolders.make("apl1", in: directories)
      try Files.write(Array(Self.text.utf8), to: directories.labFile("apl1"))
      let lab = try #require(try LabState.read("apl1", in: directories))
      #expect(
        lab.nodes[0].nics.map(\.attachment) == [.switchPort(switch: "s1", mode: .access(10)), .wire(link: "w"), .none])
      #expect(lab.links.map(\.kind) == [.wire, .trunk(.trunk(allowed: [1...4094], native: 1))])
      #expect(lab.links[0].ends == [.nic(node: "a", nic: "eth1"), .nic(node: "b", nic: "eth0")])
      #expect(lab.links[0].impair?.fromFirst?.delay == 0.04)
      #expect(lab.nodes[0].nics.map(\.offload) == [.on, .on, .on])
      // And it is written as it was: a daemon of the version before takes it back.
      try LabState.write(lab, in: directories)
      let again = Files.read(directories.labFile("apl1")).map { String(decoding: $0, as: UTF8.self) } ?? ""
      for part in [#""_0" : 10"#, #""_0" : "s1""#, #""offload" : true"#] {
        #expect(again.contains(part), "\(part)")
      }
    }
  }

  @Test(arguments: NICDefinition.Offload.allCases)
  func whatANICLeavesToTheSwitchIsReadBack(level: NICDefinition.Offload) throws {
    try withTemporaryDirectories { directories in
      var lab = CanonicalLab(name: "apl1")
      lab.nodes = [node("a", "netns", [nic()])]
      lab.nodes[0].nics[0].offload = level
      try LabFolders.make("apl1", in: directories)
      try LabState.write(lab, in: directories)
      #expect(try LabState.read("apl1", in: directories)?.nodes[0].nics[0].offload == level)
      // Words that are none are named.
      let text = Files.read(directories.labFile("apl1")).map { String(decoding: $0, as: UTF8.self) } ?? ""
      let wrong = text.replacing(#/"offload" : [a-z"]+/#, with: #""offload" : "some""#)
      try Files.write(Array(wrong.utf8), to: directories.labFile("apl1"))
      let error = #expect(throws: UserError.self) { try LabState.read("apl1", in: directories) }
      #expect(error?.message.contains(#""some" is none of on, checksum, off"#) == true, "\(String(describing: error))")
    }
  }
}
