import Testing

@testable import Lab

@Suite struct LabDirectoriesTests {
  @Test func rootHasTheSystemFolders() {
    let directories = LabDirectories.resolve(environment: ["HOME": "/root"], isRoot: true, user: 0)
    #expect(directories == LabDirectories(stateRoot: "/run/apus", dataRoot: "/var/lib/apus"))
  }

  @Test func usersHaveTheirOwn() {
    let environment = ["XDG_RUNTIME_DIR": "/run/user/7", "XDG_STATE_HOME": "/home/u/state", "HOME": "/home/u"]
    let directories = LabDirectories.resolve(environment: environment, isRoot: false, user: 7)
    #expect(directories == LabDirectories(stateRoot: "/run/user/7/apus", dataRoot: "/home/u/state/apus"))
  }

  @Test func usersWithoutXDGVariables() {
    let directories = LabDirectories.resolve(environment: ["HOME": "/home/u"], isRoot: false, user: 7)
    #expect(directories == LabDirectories(stateRoot: "/run/user/7/apus", dataRoot: "/home/u/.local/state/apus"))
  }

  @Test func relativeXDGPathsAreIgnored() {
    let environment = ["XDG_RUNTIME_DIR": "run", "XDG_STATE_HOME": "state", "HOME": "/home/u"]
    let directories = LabDirectories.resolve(environment: environment, isRoot: false, user: 7)
    #expect(directories == LabDirectories(stateRoot: "/run/user/7/apus", dataRoot: "/home/u/.local/state/apus"))
  }

  @Test func variablesRuleAndLoseTrailingSlashes() {
    let environment = ["APUS_STATE_DIR": "/tmp/s//", "APUS_DATA_DIR": "/tmp/d"]
    for isRoot in [true, false] {
      let directories = LabDirectories.resolve(environment: environment, isRoot: isRoot, user: 7)
      #expect(directories == LabDirectories(stateRoot: "/tmp/s", dataRoot: "/tmp/d"))
    }
  }

  @Test func emptyVariablesCountAsNotSet() {
    let directories = LabDirectories.resolve(
      environment: ["APUS_STATE_DIR": "", "APUS_DATA_DIR": ""], isRoot: true, user: 0)
    #expect(directories == LabDirectories(stateRoot: "/run/apus", dataRoot: "/var/lib/apus"))
  }

  @Test func filesOfALab() {
    let directories = LabDirectories(stateRoot: "/s", dataRoot: "/d")
    #expect(directories.controlSocket("x") == "/s/x/control.sock")
    #expect(directories.pidFile("x") == "/s/x/apus.pid")
    #expect(directories.labFile("x") == "/s/x/lab.json")
    #expect(directories.logFile("x") == "/d/x/apus.log")
    let paths = NodePaths(directories: directories, lab: "x", node: "vm1")
    #expect(paths.consoleSocket == "/s/x/vm1/console.sock")
    #expect(paths.consoleLog == "/d/x/vm1/console.log")
  }

  @Test func runningLabsAreFoldersWithALabFile() throws {
    try withTemporaryDirectories { directories in
      for name in ["b", "a", "empty", "images", "B"] { try Files.makeDirectory(directories.state(name)) }
      for name in ["b", "a", "images", "B"] { try Files.write([], to: directories.labFile(name)) }
      #expect(directories.runningLabs() == ["a", "b"])
      #expect(directories.hasLab("a") && !directories.hasLab("images") && !directories.hasLab("empty"))
      #expect(try directories.labs(asked: nil) == ["a", "b"])
      #expect(try directories.labs(asked: "b") == ["b"])
      #expect(try directories.labs(asked: "c") == ["a", "b"])
    }
  }

  /// Labs of one name in two places have not one memory.
  @Test func memoryOfEachPlace() {
    let usual = LabDirectories(stateRoot: "/run/apus", dataRoot: "/var/lib/apus")
    #expect(usual.memory("l") == "/dev/shm/apus/l")
    let other = LabDirectories(stateRoot: "/tmp/s", dataRoot: "/tmp/d")
    #expect(other.memoryRoot.wholeMatch(of: /\/dev\/shm\/apus-[0-9a-f]{16}/) != nil)
    #expect(other.memoryRoot != LabDirectories(stateRoot: "/tmp/t", dataRoot: "/tmp/d").memoryRoot)
  }
}
