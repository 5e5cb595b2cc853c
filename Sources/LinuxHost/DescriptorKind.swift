/// What is behind a descriptor that a peer sent.
package enum DescriptorKind: Sendable, Equatable {
  /// A regular file on tmpfs (a memfd is one) or hugetlbfs; the page size in bytes is the file's.
  case sharedMemory(pageSize: Int)
  case eventfd
  case socket
  /// Anything else, with the target of its link in `/proc/self/fd`, such as `pipe:[4711]`.
  case other(String)
}
