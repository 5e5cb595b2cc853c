/// Archives and appliances for tests.
enum ApplianceTexts {
  /// A tar head with its sum, and the bytes of the member.
  static func member(_ name: String, _ bytes: [UInt8], kind: Character = "0", size: Int? = nil) -> [UInt8] {
    var head = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, at offset: Int) {
      head.replaceSubrange(offset..<offset + text.utf8.count, with: text.utf8)
    }
    func octal(_ number: Int, _ digits: Int) -> String {
      let text = String(number, radix: 8)
      return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
    put(String(name.prefix(100)), at: 0)
    put(octal(0o644, 7), at: 100)
    put(octal(size ?? bytes.count, 11), at: 124)
    put("        ", at: 148)
    put(String(kind), at: 156)
    put("ustar", at: 257)
    put("00", at: 263)
    put(octal(head.reduce(0) { $0 + Int($1) }, 6), at: 148)
    head[154] = 0
    return head + bytes + [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
  }

  static func archive(_ members: [[UInt8]]) -> [UInt8] { members.flatMap(\.self) + [UInt8](repeating: 0, count: 1024) }

  static func record(_ key: String, _ value: String) -> [UInt8] {
    var length = key.utf8.count + value.utf8.count + 3
    length += String(length + 2).count
    return Array("\(length) \(key)=\(value)\n".utf8)
  }

  static func descriptor(disk: String = "disk.vmdk", second: String? = nil) -> [UInt8] {
    let more = second.map { "<File id='g' href='\($0)'/>" } ?? ""
    let moreDisk = second == nil ? "" : "<Disk diskId='e' fileRef='g'/>"
    let moreItem =
      second == nil
      ? ""
      : "<Item><InstanceID>2</InstanceID><ResourceType>17</ResourceType><HostResource>/disk/e</HostResource></Item>"
    return Array(
      """
      <Envelope><References><File id="f" href="\(disk)"/>\(more)</References>
      <DiskSection><Disk diskId="d" fileRef="f"/><Disk diskId="n" capacity="4" capacityAllocationUnits="MB"/>\(moreDisk)</DiskSection>
      <VirtualSystem id="a"><VirtualHardwareSection>
      <Item><InstanceID>1</InstanceID><ResourceType>17</ResourceType><HostResource>ovf:/disk/d</HostResource></Item>
      \(moreItem)
      <Item><InstanceID>3</InstanceID><ResourceType>17</ResourceType><HostResource>ovf:/disk/n</HostResource></Item>
      </VirtualHardwareSection></VirtualSystem></Envelope>
      """.utf8)
  }
}
