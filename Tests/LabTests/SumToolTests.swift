import Foundation
import TestSupport
import Testing

@testable import Lab

/// Either program makes the same sum, of a file and of a part of one.
@Suite struct SumToolTests {
  private static let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

  /// The host has that program alone, and a shell with what it needs.
  @Test(arguments: [("openssl", "openssl"), ("sha256sum", "coreutils")])
  func makesTheSum(_ program: String, package: String) async throws {
    let folder = "\(NSTemporaryDirectory())apus-sum-\(UUID())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { _ = try? FileManager.default.removeItem(atPath: folder) }
    for name in [program, "sh", "dd"] {
      try FileManager.default.createSymbolicLink(atPath: "\(folder)/\(name)", withDestinationPath: "/usr/bin/\(name)")
    }
    let variables = ["PATH": folder]
    #expect(SumTool("sha256sum", variables).package == package)
    let whole = "\(folder)/whole"
    let part = "\(folder)/part"
    try Files.write(Array("abc".utf8), to: whole)
    try Files.write(Array("12abc34".utf8), to: part)
    let tools = ImageTools(variables: variables)
    #expect(try await tools.sum(ImageBytes(path: whole), by: "sha256sum") == Self.sum)
    #expect(try await tools.sum(ImageBytes(path: part).part(from: 2, size: 3), by: "sha256sum") == Self.sum)
    #expect(try await tools.sum(of: "abc") == Self.sum)
  }

  @Test func otherSumsAreThoseOfCoreutils() {
    #expect(SumTool("md5sum", ["PATH": "/usr/bin"]).program == "md5sum")
    #expect(SumTool("sha512sum", ["PATH": "/usr/bin"]).arguments == ["dgst", "-sha512", "-r"])
  }
}
