/// What a machine's NIC is to its guest.
package enum NICModel: String, Codable, Sendable, CaseIterable { case virtio, e1000, e1000e, vmxnet3, rtl8139 }
