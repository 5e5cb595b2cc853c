/// Messages from the front-end, by the names of the specification ("Front-end message types").
///
/// All numbers are known by name so that a refusal can name what it refuses; `MessageTable` says which are understood.
package enum Request: UInt32, CaseIterable, Sendable {
  case getFeatures = 1
  case setFeatures = 2
  case setOwner = 3
  case resetOwner = 4
  case setMemoryTable = 5
  case setLogBase = 6
  case setLogDescriptor = 7
  case setRingSize = 8
  case setRingAddress = 9
  case setRingBase = 10
  case getRingBase = 11
  case setRingKick = 12
  case setRingCall = 13
  case setRingError = 14
  case getProtocolFeatures = 15
  case setProtocolFeatures = 16
  case getQueueCount = 17
  case setRingEnable = 18
  case sendRARP = 19
  case setMTU = 20
  case setBackendChannel = 21
  case iotlb = 22
  case setRingEndian = 23
  case getConfiguration = 24
  case setConfiguration = 25
  case createCryptoSession = 26
  case closeCryptoSession = 27
  case postCopyAdvise = 28
  case postCopyListen = 29
  case postCopyEnd = 30
  case getInflightDescriptor = 31
  case setInflightDescriptor = 32
  case setGPUSocket = 33
  case resetDevice = 34
  case ringKick = 35
  case getMaximumMemorySlots = 36
  case addMemoryRegion = 37
  case removeMemoryRegion = 38
  case setStatus = 39
  case getStatus = 40
  case getSharedObject = 41
  case setDeviceStateDescriptor = 42
  case checkDeviceState = 43
  case getSharedMemoryConfiguration = 44
  case getRingBaseSkipDrain = 45

  /// The name in the specification, without its VHOST_USER_ prefix.
  package var specificationName: String {
    Self.names[Int(rawValue) - 1]
  }

  /// Name of any number, for messages to people.
  package static func name(_ number: UInt32) -> String {
    Request(rawValue: number)?.specificationName ?? "message \(number)"
  }

  private static let names = [
    "GET_FEATURES", "SET_FEATURES", "SET_OWNER", "RESET_OWNER", "SET_MEM_TABLE", "SET_LOG_BASE", "SET_LOG_FD",
    "SET_VRING_NUM", "SET_VRING_ADDR", "SET_VRING_BASE", "GET_VRING_BASE", "SET_VRING_KICK", "SET_VRING_CALL",
    "SET_VRING_ERR", "GET_PROTOCOL_FEATURES", "SET_PROTOCOL_FEATURES", "GET_QUEUE_NUM", "SET_VRING_ENABLE",
    "SEND_RARP", "NET_SET_MTU", "SET_BACKEND_REQ_FD", "IOTLB_MSG", "SET_VRING_ENDIAN", "GET_CONFIG", "SET_CONFIG",
    "CREATE_CRYPTO_SESSION", "CLOSE_CRYPTO_SESSION", "POSTCOPY_ADVISE", "POSTCOPY_LISTEN", "POSTCOPY_END",
    "GET_INFLIGHT_FD", "SET_INFLIGHT_FD", "GPU_SET_SOCKET", "RESET_DEVICE", "VRING_KICK", "GET_MAX_MEM_SLOTS",
    "ADD_MEM_REG", "REM_MEM_REG", "SET_STATUS", "GET_STATUS", "GET_SHARED_OBJECT", "SET_DEVICE_STATE_FD",
    "CHECK_DEVICE_STATE", "GET_SHMEM_CONFIG", "GET_VRING_BASE_SKIP_DRAIN",
  ]
}
