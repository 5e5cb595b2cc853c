/// What a machine starts with before its disk says more.
package enum Firmware: String, Codable, Sendable, CaseIterable { case bios, uefi }
