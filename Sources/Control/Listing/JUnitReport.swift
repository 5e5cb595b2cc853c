/// Results of tests in the XML that CI systems read (the JUnit dialect of Ant and Surefire).
package struct JUnitReport: Sendable {
  private let lab: String
  private let results: [TestRow]

  package init(lab: String, results: [TestRow]) {
    self.lab = lab
    self.results = results
  }

  package var text: String {
    let failures = results.filter { !$0.passed }.count
    let time = results.reduce(0) { $0 + $1.seconds }
    var lines = [
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
      "<testsuite name=\"\(Self.escaped(lab))\" tests=\"\(results.count)\" failures=\"\(failures)\" errors=\"0\" "
        + "time=\"\(Self.seconds(time))\">",
    ]
    for result in results {
      let head =
        "  <testcase classname=\"\(Self.escaped(lab))\" name=\"\(Self.escaped(result.test))\" "
        + "time=\"\(Self.seconds(result.seconds))\""
      if result.passed {
        lines.append("\(head)/>")
      } else {
        lines += ["\(head)>", failure(result.detail), "  </testcase>"]
      }
    }
    return (lines + ["</testsuite>"]).joined(separator: "\n") + "\n"
  }

  /// The first line is the message; a detail of several is there whole, too.
  private func failure(_ detail: String) -> String {
    let lines = detail.split(separator: "\n", omittingEmptySubsequences: false).map { Self.escaped(String($0)) }
    let head = "    <failure message=\"\(lines.first ?? "")\""
    return lines.count > 1 ? "\(head)>\(lines.joined(separator: "\n"))</failure>" : "\(head)/>"
  }

  private static func seconds(_ value: Double) -> String {
    let milliseconds = Int((value * 1000).rounded())
    return "\(milliseconds / 1000).\(String(milliseconds % 1000 + 1000).dropFirst())"
  }

  /// Text as XML has it; characters that XML 1.0 cannot have become question marks.
  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "\n", "\t", "\r": escaped += " "
      case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: escaped += "?"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
