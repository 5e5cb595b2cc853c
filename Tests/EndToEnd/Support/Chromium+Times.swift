/// What loading a page has cost, as the page itself measures it (Paint, Navigation and Resource Timing).
struct PageTimes: Sendable, CustomStringConvertible {
  /// Milliseconds from the start of the navigation to the first pixel that is not background.
  var firstPaint: Double
  /// Milliseconds to the first text or image.
  var firstContentfulPaint: Double
  /// Milliseconds to the end of the page's load event.
  var load: Double
  /// Bytes of all bodies so far, as they were sent: the page and what it asked for.
  var size: Int
  /// What it asked for so far, the page itself included.
  var count: Int

  var description: String {
    """
    first paint \(Int(firstPaint.rounded())) ms, with content \(Int(firstContentfulPaint.rounded())) ms, \
    loaded \(Int(load.rounded())) ms, \(size) bytes in \(count) requests
    """
  }
}

extension Chromium {
  /// What the page that is open has cost, once it has shown something.
  func times() async throws -> PageTimes {
    let paint = "performance.getEntriesByName('first-contentful-paint')"
    try await wait(for: "\(paint).length && performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
    let answer = try await evaluate(
      """
      (() => {
        const [page] = performance.getEntriesByType('navigation')
        const all = [page, ...performance.getEntriesByType('resource')]
        return {
          first: performance.getEntriesByName('first-paint')[0].startTime,
          content: \(paint)[0].startTime, load: page.loadEventEnd,
          size: all.reduce((sum, entry) => sum + entry.encodedBodySize, 0), count: all.length
        }
      })()
      """)
    return PageTimes(
      firstPaint: answer["first"].number ?? -1, firstContentfulPaint: answer["content"].number ?? -1,
      load: answer["load"].number ?? -1, size: Int(answer["size"].number ?? -1),
      count: Int(answer["count"].number ?? -1))
  }
}
