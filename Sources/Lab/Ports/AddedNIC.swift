import Dataplane
import Frames
import LinuxHost
import Topology

/// Interfaces of this host that are added at run time: taken from it as those of a `nic` node are, and given back.
extension AddedPortKind {
  static let nic = AddedPortKind(
    word: "nic", value: "INTERFACE", text: "an interface of this host", isInterface: true, options: [.force],
    takes: true, canReopen: true,
    check: { port throws(UserError) in
      do throws(SystemError) {
        try TAPDevice.checkName(port.target)
      } catch {
        throw UserError(
          .badInput, "\"\(port.target)\" is no name of an interface",
          hint: "1 to \(Names.longestInterfaceName) ASCII characters without spaces, /, % and :")
      }
    },
    find: { port, home throws(UserError) in
      guard HostFacts.isRoot else {
        throw UserError(.failed, "port \(port.name): taking an interface needs root", hint: "run the lab as root")
      }
      if let trouble = hostNIC(port, home).trouble(isRecorded: false) {
        throw UserError(
          .failed, "port \(port.name): \(trouble.message)",
          hint: trouble.hint?.replacing("`force: on`", with: "`--force`"))
      }
      let links = try explained(port) { () throws(SystemError) in try Netlink.links(namespace: nil) }
      if let address = links.first(where: { $0.name == port.target }).flatMap({ MACAddress($0.address) }) {
        port.mac = address
      }
    },
    prepare: { port, home throws(UserError) in
      do throws(UserError) {
        try hostNIC(port, home).take(taken(home))
      } catch {
        throw UserError(error.code, "port \(port.name): \(error.message)", hint: error.hint)
      }
    },
    backend: { port throws(UserError) in
      var interface = HostInterface(name: port.target)
      interface.offload = OffloadLevel(port.offload ?? .on)
      return .nic(interface)
    },
    isThere: { (try? Netlink.index(of: $0.target, namespace: nil)) != nil },
    setMTU: { port, mtu, home throws(UserError) in
      var interface = hostNIC(port, home)
      interface.mtu = mtu
      try interface.take(taken(home))
    },
    remove: { port, home throws(UserError) in
      let store = taken(home)
      guard let record = store[port.target] else { return [] }
      let isThere = record.isThere
      try HostNIC.giveBack(record, store)
      return isThere ? ["hold on interface \(port.target)"] : []
    })

  /// Gives back whatever is written down as taken for added ports of a lab.
  ///
  /// - Returns: what failed.
  static func giveBackInterfaces(_ home: AddedPortHome) -> [UserError] {
    let store = taken(home)
    return store.all().compactMap { record in
      do throws(UserError) {
        try HostNIC.giveBack(record, store)
        return nil
      } catch {
        return error
      }
    }
  }

  private static func hostNIC(_ port: AddedPort, _ home: AddedPortHome) -> HostNIC {
    var interface = HostNIC(port.target, lab: home.lab, port: port.name)
    interface.isForced = port.isForced ?? false
    interface.mtu = port.mtu
    return interface
  }

  /// What is written down of the interfaces of a lab's added ports.
  private static func taken(_ home: AddedPortHome) -> TakenInterfaces {
    TakenInterfaces(file: LabFile.interfaces.rawValue) { () throws(UserError) in
      try LabFolders.state(of: home.lab, in: home.directories)
    } found: {
      guard let folder = try? Folder(home.directories.stateRoot).folder(home.lab),
        FolderMark.lab(home.lab).isIn(folder)
      else { return nil }
      return folder
    }
  }
}
