import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Control

/// Configurations for the CNI plugin that are garbage, huge, or of the wrong types: each is answered by an error as CNI has
/// it, and nothing of the host or the lab is touched.
@Suite struct HostileCNITests {
  private static let whole =
    #"{"cniVersion":"1.0.0","name":"lan","type":"apus","lab":"two","switch":"sw1","trunk":[20,"30-39"],"native":20,"#
    + #""mtu":1400,"interface":"veth","ipam":{"type":"host-local"},"runtimeConfig":{"mac":"02:00:00:00:00:09","#
    + #""ips":["10.0.0.9/24"],"bandwidth":{"ingressRate":1,"ingressBurst":1}},"dns":{"nameservers":["10.0.0.1"]}}"#

  private struct Outcome {
    var status: Int32
    var answer: JSONValue?
    var isUntouched: Bool
  }

  private static func run(_ input: [UInt8], _ variables: [String: String] = CNICallTests.variables) async -> Outcome {
    let (host, lab) = (FakePodHost(), FakePodLab())
    let plugin = CNIPlugin(variables, input, host: host) { $0 == "two" ? lab : nil }
    let (status, output) = await plugin.run()
    return Outcome(
      status: status, answer: try? JSON.decode(JSONValue.self, from: Array(output.utf8)),
      isUntouched: host.interfaces.isEmpty && lab.ports.withLock { $0.isEmpty })
  }

  private static func expectRefused(_ input: [UInt8], _ what: Comment) async {
    let outcome = await run(input)
    #expect(outcome.status != 0 && outcome.isUntouched, what)
    #expect(outcome.answer?["code"]?.integer ?? 0 > 0, what)
    #expect(outcome.answer?["msg"]?.text?.isEmpty == false, what)
  }

  @Test func garbageIsRefused() async {
    let texts = [
      "", " ", "{", "null", "[]", "3", "\"a\"", "{}x", "\u{0}", "<network/>", "{\"cniVersion\":1e999}",
      "{\"name\":\"\\ud800\"}", String(repeating: "[", count: 200_000), String(repeating: #"{"a":"#, count: 100_000),
    ]
    for text in texts { await Self.expectRefused(Array(text.utf8), "\(text.prefix(40))") }
    await Self.expectRefused([0xFF, 0xFE, 0x7B, 0x00], "UTF-16")
    await Self.expectRefused(Array(#"{"name":"\#("")"#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8), "invalid UTF-8")
    await Self.expectRefused([UInt8](repeating: 0x20, count: 4 << 20), "four mebibytes of nothing")
    let long = String(repeating: "n", count: 4 << 20)
    await Self.expectRefused(
      Array(#"{"cniVersion":"1.0.0","name":"\#(long)","lab":"two","switch":"sw1"}"#.utf8), "a name of four mebibytes")
  }

  /// Each value of a configuration in turn is one of every type; what is refused touches nothing.
  @Test func valuesOfEveryTypeEndWell() async throws {
    let others: [JSONValue] = [
      .null, .boolean(true), .integer(-1), .integer(.max), .number(0.5), .text(""), .text("\u{0}"), .text("../.."),
      .list([]), .list([.list([.null])]), .object([:]), .object(["type": .integer(1)]),
    ]
    let network = try JSON.decode(JSONValue.self, from: Array(Self.whole.utf8))
    var refused = 0
    for (key, value) in try #require(network.members) {
      var variants = others.map { network.with(key, $0) }
      for (inner, _) in value.members ?? [:] {
        variants += others.map { network.with(key, value.with(inner, $0)) }
      }
      for variant in variants {
        let outcome = await Self.run(try JSON.bytes(variant))
        guard outcome.status != 0 else { continue }
        refused += 1
        #expect(outcome.isUntouched && outcome.answer?["code"] != nil, "\(variant)")
      }
    }
    #expect(refused > 50)
  }

  /// A configuration that was cut off, or changed here and there.
  @Test(arguments: 1...4 as ClosedRange<UInt64>) func damagedConfigurationsEndWell(seed: UInt64) async {
    var random = SeededRandom(seed: seed)
    let bytes = Array(Self.whole.utf8)
    for _ in 0..<200 {
      var damaged = bytes
      if Bool.random(using: &random) { damaged.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
      for _ in 0..<Int.random(in: 0...3, using: &random) where !damaged.isEmpty {
        damaged[Int.random(in: damaged.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      let outcome = await Self.run(damaged)
      #expect(outcome.status == 0 || (outcome.isUntouched && outcome.answer?["code"] != nil))
    }
  }

  @Test func variablesOfAnyTextAreRefused() async {
    for name in ["CNI_COMMAND", "CNI_CONTAINERID", "CNI_IFNAME", "CNI_ARGS"] {
      for value in ["\u{0}", "../../etc", String(repeating: "x", count: 100_000), "a\nb", "=;=;", "🐝"] {
        var variables = CNICallTests.variables
        variables[name] = value
        let outcome = await Self.run(Array(Self.whole.utf8), variables)
        #expect(
          outcome.status != 0 && outcome.isUntouched && outcome.answer?["code"] != nil, "\(name)=\(value.prefix(20))")
      }
    }
  }
}
