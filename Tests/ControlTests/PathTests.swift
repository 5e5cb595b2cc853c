import Lab
import Testing

@testable import Control

/// Names in paths, and what is said of bodies that are not understood.
@Suite struct PathTests {
  @Test(arguments: [
    ("vm1.eth0", "vm1.eth0"), ("vm1%2Eeth0", "vm1.eth0"), ("sw1%3Atrunk1", "sw1:trunk1"), ("%c3%A9", "\u{E9}"),
    ("file%3A%2Ftmp%2Fx.pcapng", "file:/tmp/x.pcapng"), ("a+b", "a+b"), ("%2525", "%25"), ("", ""),
  ])
  func percentSignsAreDecoded(_ text: String, _ decoded: String) {
    #expect(PercentCoding.unescape(text) == decoded)
    #expect(PercentCoding.unescape(PercentCoding.escape(decoded)) == decoded)
  }

  @Test(arguments: ["%", "%4", "%zz", "%+1", "a%", "%ff"])
  func whatIsNotEncodedIsRefused(_ text: String) {
    #expect(PercentCoding.unescape(text) == nil)
  }

  @Test(arguments: ["sw1%3Acore", "vm1%2Eeth0"])
  func routesDecodeTheirParameters(_ path: String) async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      var answer: [UInt8] = []
      try await client.exchange(.get, "/v1/ports/\(path)", .whole([])) { answer += $0 }
      #expect(try JSON.decode(PortRow.self, from: answer).name == PercentCoding.unescape(path))
      let error = await #expect(throws: UserError.self) {
        try await client.exchange(.get, "/v1/ports/%zz", .whole([])) { _ in }
      }
      #expect(error == UserError(.badInput, "\"%zz\" is not percent-encoded UTF-8"))
    }
  }

  @Test(arguments: [
    ("{}", "command is missing"), (#"{"command": 3}"#, "command must be a list"),
    (#"{"command": ["a", 1]}"#, "command[1] must be a text"), ("3", "it must be an object"),
  ])
  func decodingErrorsAreReadable(_ body: String, _ reason: String) {
    let error = #expect(throws: DecodingError.self) { try JSON.decode(ExecuteRequest.self, from: Array(body.utf8)) }
    #expect(error?.reason == reason)
  }
}
