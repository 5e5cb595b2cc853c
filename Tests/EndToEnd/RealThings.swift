import Testing

/// Every test with the real binary; one at a time, as they share the machine's two processors.
@Suite(.serialized) struct RealThings {}
