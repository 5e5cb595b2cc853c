/// Files of the repository that tests read.
enum Repository {
  /// The path of a file, from the root of the repository.
  static func path(_ file: String, here: String = #filePath) -> String {
    "/" + here.split(separator: "/").dropLast(3).joined(separator: "/") + "/" + file
  }
}
