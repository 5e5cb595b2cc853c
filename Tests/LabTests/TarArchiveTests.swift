import Foundation
import LinuxHost
import Synchronization
import Testing
import Topology

@testable import Lab

@Suite struct TarArchiveTests {
  private func withArchive(_ bytes: [UInt8], _ body: (Result<[TarArchive.Member], ImageFault>) throws -> Void) throws {
    try withTemporaryDirectories { directories in
      try FileManager.default.createDirectory(atPath: directories.dataRoot, withIntermediateDirectories: true)
      let path = "\(directories.dataRoot)/a.tar"
      try Files.write(bytes, to: path)
      let result: Result<[TarArchive.Member], ImageFault>
      do throws(ImageFault) {
        result = .success(try TarArchive(try ImageBytes(path: path)).members)
      } catch {
        result = .failure(error)
      }
      try body(result)
    }
  }

  @Test func membersAndLongNames() throws {
    let long = String(repeating: "d", count: 120)
    let bytes = ApplianceTexts.archive([
      ApplianceTexts.member("./a", [1, 2, 3]), ApplianceTexts.member("sub/", [], kind: "5"),
      ApplianceTexts.member("x", ApplianceTexts.record("path", "sub/\(long)"), kind: "x"),
      ApplianceTexts.member("short", [UInt8](repeating: 9, count: 600)),
      ApplianceTexts.member("././@LongLink", Array("\(long)\0".utf8), kind: "L"), ApplianceTexts.member("short", []),
      ApplianceTexts.member("g", ApplianceTexts.record("comment", "b"), kind: "g"),
      ApplianceTexts.member("b", [4], kind: "0"),
    ])
    try withArchive(bytes) { result in
      let members = try result.get()
      #expect(members.map(\.name) == ["a", "sub/\(long)", long, "b"])
      #expect(members.map(\.size) == [3, 600, 0, 1])
      #expect(members[0].offset == 512 && bytes[Int(members[3].offset)] == 4)
    }
  }

  @Test func refusals() throws {
    let good = ApplianceTexts.member("a", [1])
    let cases: [([UInt8], String)] = [
      (ApplianceTexts.archive([ApplianceTexts.member("/etc/passwd", [1])]), "/etc/passwd, which leads out of it"),
      (ApplianceTexts.archive([ApplianceTexts.member("a/../../b", [1])]), "a/../../b, which leads out of it"),
      (
        ApplianceTexts.archive([
          ApplianceTexts.member("x", ApplianceTexts.record("path", "../b"), kind: "x"), ApplianceTexts.member("a", [1]),
        ]), "../b, which leads out of it"
      ),
      (ApplianceTexts.archive([ApplianceTexts.member("a", [], kind: "2")]), "a that is a symbolic link"),
      (ApplianceTexts.archive([ApplianceTexts.member("a", [], kind: "1")]), "a that is a hard link"),
      (ApplianceTexts.archive([ApplianceTexts.member("a", [], kind: "3")]), "a that is a device"),
      (ApplianceTexts.archive([ApplianceTexts.member("a", [1], kind: "S")]), "a that is a sparse file"),
      (ApplianceTexts.archive([ApplianceTexts.member("a", [], kind: "Z")]), "a that is of no kind that is known"),
      (
        ApplianceTexts.archive([
          ApplianceTexts.member("x", ApplianceTexts.record("GNU.sparse.major", "1"), kind: "x"), good,
        ]), "a member that is a sparse file"
      ),
      (
        ApplianceTexts.archive([ApplianceTexts.member("x", Array("99 a=b\n".utf8), kind: "x"), good]), "cannot be read"
      ),
      (ApplianceTexts.archive([ApplianceTexts.member("a", [1], size: 0o77777777777)]), "is cut off"),
      (ApplianceTexts.archive([good, good]), "has two members a"), (ApplianceTexts.archive([]), "has nothing in it"),
      (good.map { $0 == 0x61 ? 0x62 : $0 }, "is no sound archive"),
      ([UInt8](repeating: 1, count: 512), "is no sound archive"),
      (ApplianceTexts.archive([ApplianceTexts.member("a\u{1B}[2J", [1])]), "with a name that is not taken: a^["),
    ]
    for (bytes, wanted) in cases {
      try withArchive(bytes) { result in
        guard case .failure(let fault) = result else {
          Issue.record("taken: \(wanted)")
          return
        }
        #expect(fault.message.contains(wanted), "\(fault.message)")
      }
    }
  }

  /// No bytes make it do anything but answer.
  @Test func anyBytesAreAnswered() throws {
    let good = ApplianceTexts.archive([
      ApplianceTexts.member("x", ApplianceTexts.record("path", "sub/a"), kind: "x"),
      ApplianceTexts.member("a", [UInt8](repeating: 7, count: 700)),
      ApplianceTexts.member("././@LongLink", Array("b\0".utf8), kind: "L"), ApplianceTexts.member("c", [1]),
    ])
    for place in stride(from: 0, to: good.count, by: 3) {
      var bad = good
      bad[place] = [0, 0x20, 0x37, 0x80, 0xFF][place % 5]
      try withArchive(bad) { _ in }
    }
    for size in stride(from: 0, to: good.count, by: 101) { try withArchive(Array(good.prefix(size))) { _ in } }
  }

  @Test func manifests() throws {
    let sum = String(repeating: "aB", count: 20)
    let text = "SHA1(a b.ovf)= \(sum)\r\n\nsha256 ( x(1).vmdk ) = \(String(repeating: "0", count: 64))\n"
    let manifest = try ApplianceManifest(Array(text.utf8))
    #expect(manifest.lines.map(\.name) == ["a b.ovf", " x(1).vmdk "])
    #expect(manifest.lines.map(\.program) == ["sha1sum", "sha256sum"] && manifest.lines[0].sum == sum.lowercased())
    for bad in [
      "MD5(a)= \(sum)", "SHA1(a)= 12", "SHA1 a = \(sum)", "SHA1(a)= \(String(repeating: "x", count: 40))", "x",
    ] {
      #expect(throws: ImageFault.self, "\(bad)") { try ApplianceManifest(Array(bad.utf8)) }
    }
  }
}
