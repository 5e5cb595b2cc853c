import Foundation
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// A real Prometheus, which reads a lab over TCP with its token and is asked what the dashboard for Grafana asks.
  @Suite struct Dashboards {
    private static let lab = "ape-dashboard"

    private static let file = """
      version: 1
      name: ape-dashboard
      switches: { sw1: {} }
      nodes:
        h1: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/24 }, eth1: { address: 10.9.0.1/24 } } }
        h2: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.2/24 }, eth1: { address: 10.9.0.2/24 } } }
      links:
        - { name: wire1, ends: [h1:eth1, h2:eth1], impair: { delay: 2ms } }

      """

    private struct Server {
      let origin: String

      /// What it answers to a query of the present moment: its series.
      func ask(_ query: String) async throws -> [JSON] {
        let outcome = try await execute(
          ["/usr/bin/curl", "-s", "-S", "-G", "--data-urlencode", "query=\(query)", "\(origin)/api/v1/query"])
        guard outcome.status == 0 else { throw Failure("\(outcome)") }
        let answer = try JSON(parsing: Array(outcome.output.utf8))
        guard answer["status"].text == "success" else { throw Failure("\(query): \(outcome.output)") }
        return answer["data"]["result"].items
      }
    }

    /// Starts a Prometheus that reads the lab once a second.
    private static func prometheus(_ sandbox: Sandbox, of target: String) async throws -> Server {
      let file = try sandbox.write(
        """
        global: { scrape_interval: 1s, scrape_timeout: 1s }
        scrape_configs:
          - job_name: apus
            authorization: { credentials_file: \(sandbox.state)/\(lab)/http.token }
            static_configs: [ { targets: ["\(target)"] } ]

        """, as: "prometheus.yml")
      let server = Server(origin: "http://127.0.0.1:\(try PageOfLab.freePort())")
      _ = try sandbox.start(
        [
          "/usr/bin/prometheus", "--config.file=\(file)", "--storage.tsdb.path=\(sandbox.folder)/tsdb",
          "--web.listen-address=\(server.origin.dropFirst(7))",
        ], log: "prometheus.log")
      try await eventually("Prometheus reads the lab", within: 60) {
        (try? await server.ask("up == 1").isEmpty) == false
      }
      return server
    }

    /// The queries of the dashboard's panels, with its variables filled in.
    private static func queries() throws -> [String] {
      let dashboard = try JSON(parsing: try Data(contentsOf: URL(filePath: "\(projectRoot)/docs/grafana/apus.json")))
      return dashboard["panels"].items.flatMap { $0["targets"].items }.compactMap { $0["expr"].text }.map {
        $0.replacing("$lab", with: ".*").replacing("$port", with: ".*").replacing("$__rate_interval", with: "10s")
      }
    }

    @Test(.timeLimit(.minutes(4))) func everyQueryOfTheDashboardHasAnAnswer() async throws {
      try await Sandbox.use { sandbox in
        let address = "127.0.0.1:\(try PageOfLab.freePort())"
        try await sandbox.apus("up", try sandbox.write(Self.file), "--http", address, expecting: 0)
        let server = try await Self.prometheus(sandbox, of: address)
        let pings = "ping -i 0.05 -c 400 10.0.0.2 & ping -i 0.05 -c 400 10.9.0.2; wait"
        _ = try sandbox.start(
          [sandbox.binary, "exec", "--lab", Self.lab, "h1", "--", "sh", "-c", pings], log: "ping.log")
        try await eventually("rates are there", within: 60) {
          for family in ["apus_worker_round_seconds_count", "apus_impairment_delayed_packets_total"] {
            if try await server.ask("rate(\(family)[10s]) > 0").isEmpty { return false }
          }
          return true
        }
        let queries = try Self.queries()
        #expect(queries.count > 40)
        // No machine, no drops and no faults are in this lab.
        let isSilent = { (query: String) in query.contains("vhost_user") || query.contains("> 0") }
        for query in queries {
          let series = try await server.ask(query)
          #expect(!series.isEmpty || isSilent(query), "\(query)")
        }
        let kind = try await server.ask("apus_port_info{port=\"h1.eth0\"}").first?["metric"]["kind"].text
        #expect(kind == "tap")
      }
    }
  }
}
