import CLinux
import Glibc
import LinuxHost
import Synchronization
import Testing

@Suite struct MemoryMappingTests {
  init() { MemoryMapping.installFaultHandler() }

  @Test func sharesTheFile() throws {
    let file = try memoryFile(size: 8192)
    let first = try MemoryMapping(descriptor: file, fileOffset: 0, size: 8192)
    let second = try MemoryMapping(descriptor: file, fileOffset: 4096, size: 4096)
    (first.base + 4096).storeBytes(of: 0xabcd, as: UInt16.self)
    #expect(second.base.load(as: UInt16.self) == 0xabcd)
    #expect(first.size == 8192)
    #expect(second.size == 4096)
    #expect(!first.hasFaulted)
  }

  @Test func baseIsTheByteAtAnUnalignedOffset() throws {
    let file = try memoryFile(size: 8192)
    let whole = try MemoryMapping(descriptor: file, fileOffset: 0, size: 8192)
    whole.base.storeBytes(of: 0x55, toByteOffset: 4100, as: UInt8.self)
    let part = try MemoryMapping(descriptor: file, fileOffset: 4100, size: 10)
    #expect(part.base.load(as: UInt8.self) == 0x55)
    #expect(part.size == 4092)
  }

  @Test func sizeIsRoundedToThePage() throws {
    let file = try memoryFile(size: 5000)
    let mapping = try MemoryMapping(descriptor: file, fileOffset: 0, size: 5000)
    #expect(mapping.size == 8192)
    mapping.base.storeBytes(of: 1, toByteOffset: 8191, as: UInt8.self)
    #expect(!mapping.hasFaulted)
  }

  @Test(
    arguments: [
      (0, 0, EINVAL), (0, 8193, ENXIO), (4096, 4097, ENXIO), (8192, 1, ENXIO), (UInt64.max, 1, EOVERFLOW),
      (1, UInt64.max, EOVERFLOW), (UInt64(Int64.max), 1, EOVERFLOW), (1 << 62, 4096, ENXIO),
    ] as [(UInt64, UInt64, CInt)])
  func rejectsWhatTheFileDoesNotHave(offset: UInt64, size: UInt64, code: CInt) throws {
    let file = try memoryFile(size: 8192)
    let error = #expect(throws: SystemError.self) {
      _ = try MemoryMapping(descriptor: file, fileOffset: offset, size: size)
    }
    #expect(error?.code == code)
  }

  @Test func rejectsOtherFiles() throws {
    let null = Descriptor(owning: open("/dev/zero", O_RDWR | O_CLOEXEC))
    let error = #expect(throws: SystemError.self) {
      _ = try MemoryMapping(descriptor: null, fileOffset: 0, size: 4096)
    }
    #expect(error?.code == EINVAL)
  }

  @Test func truncationIsSurvivedPageByPage() throws {
    let file = try memoryFile(size: 8192)
    let mapping = try MemoryMapping(descriptor: file, fileOffset: 0, size: 8192)
    let neighbour = try MemoryMapping(descriptor: memoryFile(size: 4096), fileOffset: 0, size: 4096)
    mapping.base.storeBytes(of: 1, as: UInt8.self)
    #expect(ftruncate(file.raw, 4096) == 0)
    #expect(mapping.base.load(as: UInt8.self) == 1)
    #expect(!mapping.hasFaulted)
    let count = clinux_fault_count()
    #expect(mapping.base.load(fromByteOffset: 5000, as: UInt8.self) == 0)
    #expect(clinux_fault_count() != count)
    #expect(mapping.hasFaulted)
    #expect(!neighbour.hasFaulted)
    #expect(mapping.base.load(as: UInt8.self) == 1)
    #expect(ftruncate(file.raw, 0) == 0)
    mapping.base.storeBytes(of: 2, as: UInt8.self)
    #expect(mapping.base.load(as: UInt8.self) == 2)
  }

  @Test func truncationIsSurvivedOnAWorkerThread() throws {
    let file = try memoryFile(size: 1 << 20)
    let mapping = try MemoryMapping(descriptor: file, fileOffset: 0, size: 1 << 20)
    #expect(ftruncate(file.raw, 0) == 0)
    let sum = Shared(-1)
    let thread = try HostThread.start(name: "aph-worker", cpu: 0) {
      var total = 0
      for offset in stride(from: 0, to: 1 << 20, by: 4096) {
        total += Int(mapping.base.load(fromByteOffset: offset, as: UInt8.self))
      }
      sum.value = total
    }
    thread.join()
    #expect(sum.value == 0)
    #expect(mapping.hasFaulted)
  }

  @Test(.enabled(if: hasFreeHugePage, "the host has no free huge page of 2 MiB"))
  func hugePagesAreMappedAndSurvived() throws {
    let pageSize = 2 << 20
    let file = try memoryFile(size: UInt64(pageSize), hugePageSize: pageSize)
    let mapping = try MemoryMapping(descriptor: file, fileOffset: 4096, size: 4096)
    #expect(mapping.pageSize == pageSize)
    #expect(mapping.size == pageSize - 4096)
    #expect(ftruncate(file.raw, 0) == 0)
    #expect(mapping.base.load(as: UInt8.self) == 0)
    #expect(mapping.hasFaulted)
    mapping.base.storeBytes(of: 9, toByteOffset: pageSize - 4097, as: UInt8.self)
  }

  @Test func slotsAreUsedAgain() throws {
    let file = try memoryFile(size: 4096)
    for _ in 0..<20_000 { _ = try MemoryMapping(descriptor: file, fileOffset: 0, size: 4096) }
    let last = try MemoryMapping(descriptor: file, fileOffset: 0, size: 4096)
    #expect(ftruncate(file.raw, 0) == 0)
    #expect(last.base.load(as: UInt8.self) == 0)
    #expect(last.hasFaulted)
  }

  @Test func anotherBusErrorStillEndsTheProcess() async {
    await #expect(processExitsWith: .signal(SIGBUS)) {
      MemoryMapping.installFaultHandler()
      let raw = clinux_memory_file("aph", 4096, 0)
      let page = mmap(nil, 4096, PROT_READ, MAP_SHARED, raw, 0)
      ftruncate(raw, 0)
      print(page?.load(as: UInt8.self) ?? 0)
    }
  }

  @Test func aSentBusErrorStillEndsTheProcess() async {
    await #expect(processExitsWith: .signal(SIGBUS)) {
      MemoryMapping.installFaultHandler()
      kill(getpid(), SIGBUS)
      pause()
    }
  }
}

private var hasFreeHugePage: Bool {
  let text = HostFacts.text(ofFile: "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages") ?? ""
  return (Int(text.dropLast()) ?? 0) > 0
}
