import Testing

@testable import Importing

struct ForeignFormatsTests {
  @Test func namesAreUnique() {
    #expect(Set(ForeignFormats.all.map(\.name)).count == ForeignFormats.all.count)
  }
}
