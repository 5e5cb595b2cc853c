"""The lab file: what netlab's transformed topology is on Apus."""

import ipaddress
import re
import typing

import yaml
from box import Box

from . import commands, frr, nodes

# Ends of a link: a node's NIC or a switch, and the interface of netlab that it is.
End = typing.Tuple[str, typing.Optional[str], typing.Optional[Box]]


def text(topology: Box) -> str:
  """The lab file, with comments that name netlab's own names where ours differ."""
  lab = LabFile(topology)
  head = '# Made by netlab; `netlab create` writes it anew.\n'
  for node in topology.nodes.values():
    if not node.get('unmanaged') and nodes.name(node) != node.name:
      head += f'# {nodes.name(node)} is {comment(node.name)}\n'
  return head + yaml.safe_dump(lab.document(), sort_keys=False, default_flow_style=None, width=120)


def comment(text: str) -> str:
  return re.sub(r'[^ -~]', '?', str(text))


def nic_name(intf: Box) -> str:
  """The name that the interface has in its node, if a NIC may be called so."""
  name = str(intf.ifname)
  if re.fullmatch(r'[a-z][a-z0-9._-]{0,14}', name) and name not in ('lo', 'all', 'default', 'eth0'):
    return name
  return f'eth{intf.ifindex}' if intf.ifindex else 'net0'


def is_physical(intf: Box) -> bool:
  kinds = ('lag', 'loopback', 'svi', 'tunnel', 'vlan_member')
  return not intf.get('virtual_interface') and intf.get('type') not in kinds


class LabFile:

  def __init__(self, topology: Box) -> None:
    self.topology = topology
    self.settings = topology.defaults.providers.apus
    self.names: set = set()
    self.addresses: set = set()
    self.switches: typing.Dict[str, dict] = {}
    self.nodes: typing.Dict[str, dict] = {}
    self.links: typing.List[dict] = []

  def document(self) -> dict:
    here = [n for n in self.topology.nodes.values() if not n.get('unmanaged')]
    self.names = {nodes.name(n) for n in here}
    for node in here:
      if nodes.kind(node) == 'switch':
        collect_trunks(node)
        self.switches[nodes.name(node)] = {} if self.has_vlans(node) else {'vlan-aware': False}
      else:
        self.nodes[nodes.name(node)] = self.node(node)
    for link in self.topology.get('links', []):
      self.link(link)
    self.management(here)
    document: dict = {'version': 1, 'name': nodes.lab_name(self.topology)}
    if self.switches:
      document['switches'] = self.switches
    document['nodes'] = self.nodes
    if self.links:
      document['links'] = self.links
    return document

  # MARK: - Nodes

  def node(self, node: Box) -> dict:
    kind = nodes.kind(node)
    made: dict = {'kind': kind}
    if frr.is_own_container(node):
      made['attach'] = frr.container_name(node, self.topology)
    elif kind in ('container', 'vm'):
      made['image'] = node.box
    if node.device != 'frr' and node.get('role') == 'router':
      made['forwarding'] = True
    if kind == 'vm':
      if node.get('memory'):
        made['memory'] = f'{node.memory}M'
      if node.get('cpu'):
        made['cpus'] = int(node.cpu)
    if frr.is_own_container(node) or kind == 'container':
      engine = nodes.engine(self.topology)
      if engine == 'docker':
        made['engine'] = engine
    if kind == 'container' and not frr.is_own_container(node):
      # An image's own program may end at once without somebody at its terminal; netlab wants a host.
      made['command'] = ['sh', '-c', 'while sleep 3600; do :; done']
    made['nics'] = {}
    if self.has_management(node):
      made['nics']['eth0'] = {}
    for intf in sorted(node.get('interfaces', []), key=lambda i: i.ifindex):
      if is_physical(intf):
        intf.apus.nic = nic_name(intf)
        made['nics'][intf.apus.nic] = self.nic(node, intf)
    return made

  def nic(self, node: Box, intf: Box) -> dict:
    made: dict = {}
    if intf.get('mtu') and intf.mtu != 1500:
      made['mtu'] = int(intf.mtu)
    # FRR has its addresses by its own configuration.
    addresses = [] if node.device == 'frr' else self.own_addresses(intf)
    if addresses:
      made['address'] = addresses[0] if len(addresses) == 1 else addresses
      routes = self.routes(node, intf, addresses)
      if routes:
        made['routes'] = routes
    return made

  def own_addresses(self, intf: Box) -> typing.List[str]:
    """Addresses that nobody else in the lab has: those that several share are set by netlab's scripts alone."""
    found = []
    for family in ('ipv4', 'ipv6'):
      value = intf.get(family)
      if not isinstance(value, str):
        continue
      address = str(ipaddress.ip_interface(value).ip)
      if address not in self.addresses and (family == 'ipv4' or int(intf.get('mtu') or 1500) >= 1280):
        self.addresses.add(address)
        found.append(value)
    return found

  def routes(self, node: Box, intf: Box, addresses: typing.List[str]) -> typing.List[dict]:
    """Static routes through an interface to neighbours there; of several to one destination the first."""
    networks = [ipaddress.ip_interface(address).network for address in addresses]
    local = {
      ipaddress.ip_interface(i[family]).network for i in node.interfaces for family in ('ipv4', 'ipv6')
      if isinstance(i.get(family), str)}
    made = []
    for route in node.get('routing.static', []):
      hop = route.get('nexthop', {})
      if hop.get('intf') != intf.ifname or 'vrf' in route or 'vrf' in hop:
        continue
      for family in ('ipv4', 'ipv6'):
        if not isinstance(route.get(family), str) or not isinstance(hop.get(family), str):
          continue
        to, via = ipaddress.ip_interface(route[family]).network, ipaddress.ip_interface(hop[family]).ip
        if to in local or not any(via in network for network in networks):
          continue
        local.add(to)
        made.append({'to': 'default' if to.prefixlen == 0 else str(to), 'via': str(via)})
    return made

  # MARK: - Links

  def has_vlans(self, node: Box) -> bool:
    return any('vlan' in intf or intf.get('type') == 'vlan_member' for intf in node.get('interfaces', []))

  def interface(self, end: Box) -> typing.Optional[Box]:
    node = self.topology.nodes.get(end.node)
    return next((i for i in node.interfaces if i.ifindex == end.get('ifindex')), None) if node else None

  def link(self, link: Box) -> None:
    ends: typing.List[End] = []
    for end in link.get('interfaces', []):
      node, intf = self.topology.nodes.get(end.node), self.interface(end)
      if node is None or node.get('unmanaged') or intf is None or not is_physical(intf):
        continue
      nic = None if nodes.kind(node) == 'switch' else intf.get('apus.nic') or nic_name(intf)
      ends.append((nodes.name(node), nic, intf))
    if len(ends) == 2:
      self.cable(ends[0], ends[1])
    elif ends:
      hub = nodes.unique(f'lan-{link.linkindex}', self.names)
      self.switches[hub] = {'vlan-aware': False}
      for end in ends:
        self.cable(end, (hub, None, None))

  def cable(self, a: End, b: End) -> None:
    """A wire of two NICs, a NIC at a switch, or a trunk of two switches; the VLAN keys are those of the bridges."""
    if a[1] is None and b[1] is not None:
      a, b = b, a
    made: dict = {'ends': [end_name(a), end_name(b)]}
    if b[1] is None:
      made.update(ports(a, b))
    if a[1] is None:
      made['name'] = nodes.unique(f'{a[0]}-{b[0]}'[:60], self.names)
    impaired = {}
    for letter, end, other in (('a', a, b), ('b', b, a)):
      if end[2] is None:
        continue
      # By these words `netlab tc` finds it again.
      end[2].apus.link = made.get('name') or (end_name(a).replace(':', '.') if b[1] is None else wire_name(a, b))
      end[2].apus.end = end_name(end).replace(':', '.')
      settings = commands.impairment(end[2].get('tc', {})) if self.topology.get('defaults.tc.enable', True) else {}
      if settings:
        impaired[f'from-{letter}'] = settings
    if impaired:
      made['impair'] = impaired
    self.links.append(made)

  # MARK: - Management

  def has_management(self, node: Box) -> bool:
    return bool(self.settings.mgmt) and isinstance(node.get('mgmt.ipv4'), str)

  def management(self, here: typing.List[Box]) -> None:
    """A switch with this host, and an eth0 of every node that has an address there."""
    members = [n for n in here if nodes.kind(n) != 'switch' and self.has_management(n)]
    pool = self.topology.addressing.get('mgmt', {}).get('ipv4')
    if not members or not pool:
      return
    network = ipaddress.ip_network(pool, strict=False)
    taken = {ipaddress.ip_interface(n.mgmt.ipv4).ip for n in members}
    switch, host = nodes.unique('netlab-mgmt', self.names), nodes.unique('netlab-host', self.names)
    self.switches[switch] = {}
    own = next(address for address in network.hosts() if address not in taken)
    interface = str(self.settings.mgmt_interface)[:15]
    nics = {interface: {'switch': switch, 'address': f'{own}/{network.prefixlen}'}}
    self.nodes[host] = {'kind': 'tap', 'nics': nics}
    for node in members:
      eth0 = self.nodes[nodes.name(node)]['nics']['eth0']
      eth0['switch'] = switch
      eth0['address'] = f'{ipaddress.ip_interface(node.mgmt.ipv4).ip}/{network.prefixlen}'
      if node.get('mgmt.mac'):
        eth0['mac'] = re.sub(r'[^0-9a-f]', '', str(node.mgmt.mac).lower())
        eth0['mac'] = ':'.join(eth0['mac'][i:i + 2] for i in range(0, 12, 2))


def collect_trunks(node: Box) -> None:
  """Notes at a bridge's interfaces which VLANs pass tagged: netlab has an interface of its own for each."""
  physical = {intf.ifindex: intf for intf in node.get('interfaces', []) if is_physical(intf)}
  for intf in physical.values():
    intf.apus.trunk = []
  for intf in node.get('interfaces', []):
    if intf.get('type') == 'vlan_member' and intf.get('parent_ifindex') in physical and intf.get('vlan.access_id'):
      physical[intf.parent_ifindex].apus.trunk.append(int(intf.vlan.access_id))


def end_name(end: End) -> str:
  return end[0] if end[1] is None else f'{end[0]}:{end[1]}'


def wire_name(a: End, b: End) -> str:
  """What Apus calls a wire that has no name."""
  return f'{end_name(a)}--{end_name(b)}'


def ports(a: End, b: End) -> dict:
  """VLAN keys of a link to a switch: those of the bridge's interface; none where every frame passes as it is."""
  bridged = [end[2] for end in (b, a) if end[1] is None and end[2] is not None]
  intf = bridged[0] if bridged else None
  trunk = sorted(intf.get('apus.trunk', [])) if intf is not None else []
  access = intf.get('vlan.access_id') if intf is not None else None
  if trunk:
    keys: dict = {'trunk': trunk}
    if access:
      keys.update(trunk=sorted(set(trunk) | {access}), native=access)
    return keys
  if access:
    return {'vlan': access}
  return {}
