import Dataplane
import Topology

/// What the data plane tells of itself, as events of the lab.
extension LabEvents {
  /// Notes what happened to ports and stations, but for the carriers of links, which take the lab to tell.
  /// - Returns: a port whose carrier is another than before.
  func note(_ event: DataplaneEvent) -> String? {
    switch event {
    case .portUp(let name):
      port(name, isUp: true)
      return name
    case .portDown(let name):
      port(name, isUp: false)
      return name
    case .portFault(let port, let reason):
      hub.note(.portFault, subject: port, detail: ["reason": .text(reason)])
    case .portRefusal(let port, let reason):
      hub.note(.portFault, subject: port, detail: ["reason": .text(reason), "refused": true])
    case .portAdvice(let port, let text):
      hub.note(.portFault, subject: port, detail: ["advice": .text(text)])
    case .carrierChangesLost(let port, let count):
      hub.note(.lost, subject: port, detail: ["count": .integer(count)])
    case .stations(let news): hub.note(news.type, subject: news.switchName, detail: news.detail)
    // Of no type of event; it is in the daemon's log.
    case .workerAdvice: break
    }
    return nil
  }
}

extension StationNews {
  var type: LabEventType {
    switch what {
    case .moved: .fdbMoved
    case .evicted: .fdbEvicted
    case .full: .fdbFull
    }
  }

  package var detail: [String: EventValue] {
    var detail: [String: EventValue] = ["count": EventValue(count)]
    var station: Station?
    switch what {
    case .moved(let moved, let from, let to):
      station = moved
      detail["from"] = from.map { .text($0) }
      detail["to"] = to.map { .text($0) }
    case .evicted(let evicted, let port, let isOfPort):
      station = evicted
      detail["port"] = port.map { .text($0) }
      if evicted != nil { detail["limit"] = isOfPort ? "port" : "switch" }
    case .full(let port, let limit):
      detail["port"] = port.map { .text($0) }
      detail["entries"] = .integer(limit)
    }
    if let station {
      detail["mac"] = .text("\(station.address)")
      detail["vlan"] = .integer(station.vlan)
    }
    return detail
  }

  /// As `apus events` and the log say it.
  package var words: String { EventWords.of(type, detail) }
}

extension ImpairmentDefinition {
  /// By key, as the lab file writes them.
  var eventDetail: [String: EventValue] {
    Dictionary(
      ImpairmentText.describe(self).map { ($0.key, EventValue.text($0.text)) }, uniquingKeysWith: { first, _ in first })
  }
}
