/// What the rows of routes name of the server, which is not built here: it is Hummingbird's and NIO's.
enum Answer {
  static let bodyLimit = 16 << 20
  static let tcpBodyLimit = 1 << 20
}
