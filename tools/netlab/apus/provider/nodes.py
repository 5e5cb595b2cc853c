"""What nodes of netlab are on Apus: kind, name, and how they are configured."""

import pathlib
import re
import shutil
import typing

from box import Box
from netsim.data import append_to_list, filemaps, get_box
from netsim.providers import add_default_config_mode
from netsim.utils import files, log


def kind(node: Box) -> str:
  """netns, container, vm or switch."""
  return node.apus.kind


def name(node: Box) -> str:
  """The node's name in the lab file; before all have one, what it will be if no other needs it."""
  return node.get('apus.name') or mapped(node.name)


def lab_name(topology: Box) -> str:
  return mapped(topology.name)


def managed(topology: Box) -> typing.List[Box]:
  """Nodes that run on Apus, bridges left out."""
  return [n for n in topology.nodes.values() if not n.get('unmanaged') and n.get('apus.kind', 'switch') != 'switch']


def mapped(text: str) -> str:
  """A text as a name of Apus: a-z, 0-9 and -, at most 63 of them."""
  word = re.sub(r'-+', '-', re.sub(r'[^a-z0-9]', '-', str(text).lower())).strip('-')[:63].strip('-')
  return word if word and word != 'all' else f'n-{word}'.strip('-')


def unique(word: str, used: set) -> str:
  """A name that is not in `used`, which has it afterwards."""
  number, free = 1, word
  while free in used:
    number += 1
    free = f'{word[:60]}-{number}'
  used.add(free)
  return free


def name_nodes(topology: Box) -> None:
  used: set = set()
  for node in topology.nodes.values():
    node.apus.name = unique(mapped(node.name), used)


def engine(topology: Box) -> typing.Optional[str]:
  """The program that runs containers."""
  said = topology.defaults.providers.apus.get('engine')
  return said or next((program for program in ('podman', 'docker') if shutil.which(program)), None)


def frr_folder() -> pathlib.Path:
  return pathlib.Path('/usr/lib/frr')


def choose_kind(node: Box, topology: Box) -> None:
  """Says what the node is on Apus, and what `netlab status` shows as its image."""
  provider = topology.defaults.providers.apus
  if node.device == 'linux' and node.get('role') == 'bridge' and not node.get('apus.kind'):
    chosen = 'switch'
  elif node.device == 'none':
    chosen = 'netns'
  else:
    chosen = node.get('apus.kind') or provider.get('kind') or default_kind(node, topology)
  node.apus.kind = chosen
  if node.device == 'frr' and chosen == 'vm':
    log.error(
      f'Node {node.name}: FRR runs in a container or in a namespace on Apus, not in a machine',
      more_hints=['Set apus.kind of the node to container or netns'], category=log.IncorrectValue, module='apus')
  elif chosen == 'container' and engine(topology) is None:
    log.error(
      f'Node {node.name} is a container, and there is neither podman nor docker on this host',
      category=log.MissingDependency, module='apus')
  elif node.device == 'frr' and chosen == 'netns':
    node.box = 'FRR of this host'
  elif chosen in ('netns', 'switch'):
    node.box = chosen
  elif chosen == 'vm' and node.box == topology.defaults.devices[node.device].get('apus.image'):
    node.box = 'builtin'


def default_kind(node: Box, topology: Box) -> str:
  if node.device != 'frr':
    return 'netns'
  return 'netns' if engine(topology) is None and frr_folder().exists() else 'container'


def settle_configuration(node: Box, topology: Box) -> None:
  """Has netlab render every part of the node's configuration as a script, and leave Ansible out."""
  if kind(node) == 'switch' or node.device == 'none':
    # The lab file says all of it.
    for module in ['initial'] + node.get('module', []) + node.get('config', []):
      append_to_list(node, 'netlab_ansible_skip_module', module)
    node.skip_config = node.get('module', []) + node.get('config', [])
    node.pop('_node_config', None)
    node.apus.pop('config_templates', None)
    return
  add_default_config_mode(node, topology)
  if node.device == 'frr':
    # Its templates ask for this where they are for a container, in which FRR runs already.
    node.clab.binds = {'daemons': '/etc/frr/daemons'}
  if kind(node) == 'netns':
    refuse_files_of_host(node, topology)
  # Parts that modules or plugins configure, then what the device always needs.
  skipped = node.get('skip_config', [])
  parts = {k: v for k, v in node.get('_node_config', {}).items() if k.replace('@', '.') not in skipped}
  node.apus.config_templates = get_box(parts) + node.apus.get('config_templates', {})
  filemaps.normalize_file_mapping(node, f'nodes.{node.name}', 'apus.config_templates', 'apus')


def refuse_files_of_host(node: Box, topology: Box) -> None:
  """A namespace has this host's files: no script that is not netlab's own, nor one that writes files, runs there."""
  if node.device == 'frr':
    # Rendered as for a container, its scripts for these modules write no file; netlab's plugins have templates for it.
    refused = [part for part in node.get('config', []) if not is_part_of_netlab(part, topology)]
  else:
    refused = list(node.get('config', [])) + [m for m in node.get('module', []) if m in ('services', 'dhcp')]
  if not refused:
    return
  other = 'container' if node.device == 'frr' else 'container or vm'
  log.warning(
    text=f'Node {node.name} is a namespace with the files of this host: {", ".join(refused)} is not configured there',
    module='apus', flag='apus.files', more_hints=[f'Set apus.kind of the node to {other}'])
  node.skip_config = node.get('skip_config', []) + refused


def is_part_of_netlab(part: str, topology: Box) -> bool:
  """Whether a part is a plugin of netlab's package, and no template of the same name is where a person's are."""
  folder = part.replace('.', '/')
  if not re.fullmatch(r'[a-z_]+(\.[a-z_]+)*', part) or not (files.get_moddir() / 'extra' / folder).is_dir():
    return False
  for place in topology.defaults.paths.custom.dirs:
    if place.startswith('package:'):
      continue
    if place.startswith('topology:'):
      base = pathlib.Path(topology.input[0]).parent / place.partition(':')[2]
    else:
      base = pathlib.Path(place).expanduser()
    if (base / folder).exists() or any(base.glob(f'{part}*')):
      return False
  return True
