/// What a file lies on, by the number that statfs(2) gives.
package struct FileSystem: Sendable, Equatable, CustomStringConvertible {
  package var number: UInt64

  package init(number: UInt64) { self.number = number }

  /// For messages to people: a name, or the number of one that nobody knows here.
  package var description: String {
    Self.names[number] ?? "a file system that is not known here (0x\(String(number, radix: 16)))"
  }

  /// Those that memory files are most likely to be put on by mistake; `linux/magic.h` and the modules' own headers.
  private static let names: [UInt64: String] = [
    0x6573_5546: "FUSE", 0x6969: "NFS", 0x517B: "SMB", 0xFF53_4D42: "CIFS", 0xFE53_4D42: "SMB2", 0x00C3_6400: "Ceph",
    0x0102_1997: "9P", 0x794C_7630: "overlayfs (the files of a container)", 0x5346_414F: "AFS", 0x6B41_4653: "AFS",
    0x7461_636F: "OCFS2", 0x0116_1970: "GFS2", 0x0BD0_0BD0: "Lustre", 0x2FC1_2FC1: "ZFS", 0xF2F5_2010: "F2FS",
    0xCA45_1A4E: "bcachefs", 0x8584_58F6: "ramfs", 0x4D44: "FAT", 0x2011_BAB0: "exFAT", 0x5346_544E: "NTFS",
    0x7366_746E: "NTFS", 0x7371_7368: "SquashFS", 0xF15F: "eCryptfs", 0x786F_4256: "a VirtualBox shared folder",
    0xBACB_ACBC: "a VMware shared folder", 0x9FA0: "procfs", 0x6265_6572: "sysfs",
  ]
}
