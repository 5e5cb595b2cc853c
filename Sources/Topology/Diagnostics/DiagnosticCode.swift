/// Every code a diagnostic can bear.
///
/// Each is described in docs/lab-file.md and has a failing example in the tests.
///
/// L0xx reading, L1xx names, L2xx references and wiring, L3xx this host.
package enum DiagnosticCode: String, Sendable, CaseIterable {
  case syntax = "L001"
  case duplicateKey = "L002"
  case unknownKey = "L003"
  case misplacedKey = "L004"
  case type = "L005"
  case range = "L006"
  case missing = "L007"
  case version = "L008"
  case limit = "L009"
  case notYet = "L010"
  case environment = "L011"

  case name = "L101"
  case collision = "L102"

  case unknownName = "L201"
  case usedTwice = "L202"
  case selfLink = "L203"
  case loop = "L204"
  case vlanDefinition = "L205"
  case vlanMismatch = "L206"
  case address = "L207"
  case interfaceName = "L208"
  case gateway = "L209"
  case exhausted = "L210"
  case contradiction = "L211"
  case test = "L212"
  case withoutEffect = "L213"
  case workers = "L214"
  case ready = "L215"
  case mtu = "L216"
  case unaware = "L217"
  case dhcp = "L225"

  case fileMissing = "L301"
  case imageFormat = "L302"
  case hostInterface = "L303"
  case startCycle = "L304"
  case resources = "L305"
  case withoutKVM = "L306"
  case socketPath = "L307"
  case imageSum = "L308"
  case captureFilter = "L309"
  case account = "L310"
  case containerEngine = "L311"
  case hostProgram = "L315"
  case appliance = "L320"
}
