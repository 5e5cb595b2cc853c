import Lab

/// A row of `doctor`.
package struct DoctorRow: Codable, Sendable, Equatable {
  package var state: String
  package var subject: String
  package var detail: String
  package var advice: String?

  package init(_ finding: DoctorFinding) {
    state = finding.state.rawValue
    subject = finding.subject
    detail = finding.detail
    advice = finding.advice
  }
}
