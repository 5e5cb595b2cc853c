import Glibc
import LinuxHost
import Testing
import TestSupport

@Suite struct HostFactsTests {
  @Test func tellsWhatIsThere() {
    #expect(HostFacts.exists("/proc/self"))
    #expect(!HostFacts.exists("/nowhere"))
    #expect(HostFacts.isRoot == (geteuid() == 0))
    #expect(!HostFacts.hasKVM || HostFacts.exists("/dev/kvm"))
  }

  @Test func memoryIsInBytes() throws {
    let available = try #require(HostFacts.memoryAvailable)
    let all = UInt64(sysconf(CInt(_SC_PHYS_PAGES))) * UInt64(sysconf(CInt(_SC_PAGESIZE)))
    #expect(available > 1 << 20)
    #expect(available <= all)
  }

  @Test func readsFilesAndDirectories() throws {
    let directory = try TemporaryDirectory()
    #expect(HostFacts.entries(of: directory.path) == [])
    for name in ["b", "a", ".c"] { close(open(directory.path(name), O_CREAT | O_WRONLY, 0o600)) }
    #expect(HostFacts.entries(of: directory.path) == [".c", "a", "b"])
    #expect(HostFacts.entries(of: "/nowhere") == [])
    #expect(HostFacts.text(ofFile: directory.path("a")) == "")
    #expect(HostFacts.text(ofFile: "/nowhere") == nil)
    #expect(HostFacts.text(ofFile: "/proc/self/comm")?.hasSuffix("\n") == true)
  }
}
