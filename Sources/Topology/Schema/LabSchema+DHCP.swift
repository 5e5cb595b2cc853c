/// Servers of VLANs.
extension LabSchema {
  static let dhcp = ObjectSchema(
    "dhcp",
    [
      Key("address", .address, "The server's own; the highest that nobody declares without it."),
      Key("range", .list(.address), "First and last address for whoever is not in the file; the free ones without it."),
      Key("lease", .time, "For how long an address is given, 2m to 365 days; 1h without it."),
      Key("gateway", .address, "The router that is offered; none without it."),
      Key("boot", .object(bootFiles), "What machines start from over the network."),
    ])

  static let bootFiles = ObjectSchema(
    "boot files",
    [
      Key("root", .text, "Folder that TFTP and HTTP serve, relative to the file.").required,
      Key("bios", .text, "File in it, or an http address, that machines with a BIOS load."),
      Key("uefi", .text, "The same for machines with UEFI."),
    ])
}
