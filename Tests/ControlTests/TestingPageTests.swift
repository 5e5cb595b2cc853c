import Foundation
import Testing

/// docs/testing.md: each test that it names is there.
@Suite struct TestingPageTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")

  @Test func everyTestThatIsNamedIsThere() throws {
    let page = try String(contentsOf: Self.root.appending(path: "docs/testing.md"), encoding: .utf8)
    let named = page.matches(of: /`([A-Z][A-Za-z]+Tests)\.([a-zA-Z]+)`/).map { (String($0.1), String($0.2)) }
    #expect(named.count > 60)
    var suites: [String: String] = [:]
    let folder = Self.root.appending(path: "Tests")
    for case let file as URL in try #require(
      FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
    where file.pathExtension == "swift" {
      // Suites of one name are in several modules.
      suites[file.deletingPathExtension().lastPathComponent, default: ""] += try String(
        contentsOf: file, encoding: .utf8)
    }
    for (suite, test) in named {
      #expect(suites[suite]?.contains("func \(test)(") == true, "\(suite).\(test)")
    }
  }

  /// And each kind of fault has a row.
  @Test func everyCaseHasARow() throws {
    let page = try String(contentsOf: Self.root.appending(path: "docs/testing.md"), encoding: .utf8)
    for (letter, count) in [("M", 20), ("R", 14), ("O", 5)] {
      for number in 1...count { #expect(page.contains("\n| \(letter)\(number) | "), "\(letter)\(number)") }
    }
  }
}
