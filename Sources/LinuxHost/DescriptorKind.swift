/// What is behind a descriptor that a peer sent.
package enum DescriptorKind: Sendable, Equatable {
  /// A regular file that guest memory may lie in: on tmpfs (a memfd is one), hugetlbfs, ext2, ext3, ext4, XFS or Btrfs;
  /// the page size in bytes is the file's.
  case sharedMemory(pageSize: Int)
  /// A regular file anywhere else, with its path: a page fault there may wait for another process or host, for ever.
  case foreignFile(String, FileSystem)
  case eventfd
  case socket
  /// Anything else, with the target of its link in `/proc/self/fd`, such as `pipe:[4711]`.
  case other(String)
}

extension DescriptorKind {
  /// Where the file of `sharedMemory` may lie, for messages to people.
  package static let memoryHomes = "tmpfs, memfd, hugetlbfs, ext2, ext3, ext4, XFS or Btrfs"
}
