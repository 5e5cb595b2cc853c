import CLinux
import Glibc

/// What the kernel says of the links of one namespace, as it happens (RTM_NEWLINK, RTM_DELLINK).
///
/// The socket keeps the namespace alive, as an open TAP does. Used by one thread at a time.
package final class LinkMonitor: Sendable {
  /// One piece of news.
  package enum News: Sendable, Equatable {
    /// The link is set up (IFF_UP), or down; and its cable is in.
    case state(index: Int, isUp: Bool, hasCarrier: Bool)
    /// The link was removed, or has moved to another namespace.
    case gone(index: Int)
    /// Some news were lost: whoever needs to know has to ask.
    case lost
  }

  /// Readable when there are news.
  package let descriptor: Descriptor

  /// Listens in a named namespace, or the host's (nil), to what happens from now on.
  package init(namespace: String?) throws(SystemError) {
    descriptor = try NetworkNamespace.run(in: namespace) { () throws(SystemError) in
      Descriptor(owning: try check(clinux_link_news_open(), "netlink socket", "for news of links"))
    }
  }

  /// Asks how a link is; the answer is among the next news, `gone` if there is no such link.
  package func ask(index: Int) {
    _ = clinux_link_news_ask(descriptor.raw, CInt(truncatingIfNeeded: index))
  }

  /// All news since the last call, in order; never waits.
  package func take() -> [News] {
    var found: [News] = []
    var batch = [clinux_link_news](
      repeating: clinux_link_news(index: 0, state: CLINUX_LINK_DOWN, has_carrier: false), count: 8)
    while true {
      // SAFETY: the call writes at most `count` records and keeps no pointer.
      let count = unsafe batch.withUnsafeMutableBufferPointer { records in
        unsafe clinux_link_news_take(descriptor.raw, records.baseAddress, records.count)
      }
      if count == -ENOBUFS {
        found.append(.lost)
        continue
      }
      guard count >= 0 else { return found }
      for news in batch.prefix(Int(count)) {
        let index = Int(news.index)
        found.append(
          news.state == CLINUX_LINK_GONE
            ? .gone(index: index)
            : .state(index: index, isUp: news.state == CLINUX_LINK_UP, hasCarrier: news.has_carrier))
      }
    }
  }
}
