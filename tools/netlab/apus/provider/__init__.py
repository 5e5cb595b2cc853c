"""The provider itself, as netlab's module `netsim.providers.apus`."""

import argparse
import atexit
import sys
import typing

from box import Box
from netsim.cli import is_dry_run
from netsim.providers import _Provider, validate_mgmt_ip
from netsim.utils import files, log

from . import commands, deployment, frr, labfile, nodes


class _Loader:
  """Stands for this module in pickled data: reading it loads the module."""

  def __init__(self, path: str) -> None:
    self.path = path

  def __reduce__(self) -> tuple:
    return (files.load_python_module, (__name__, self.path))


class ModuleName(str):
  """Path of this module's file; where it is unpickled, the module is loaded first."""

  def __reduce__(self) -> tuple:
    return (getattr, (_Loader(str(self)), 'PATH'))

  __reduce_ex__ = lambda self, version: self.__reduce__()


PATH = ModuleName(__file__)

# Output in YAML has it as a plain string.
for _yaml in ('yaml', 'ruamel.yaml'):
  if _yaml in sys.modules:
    for _dumper in ('SafeDumper', 'SafeRepresenter', 'RoundTripRepresenter'):
      _class = getattr(sys.modules[_yaml], _dumper, None)
      if _class is not None:
        _class.add_representer(ModuleName, lambda dumper, name: dumper.represent_str(str(name)))


def remove_pins(topology: Box) -> None:
  """Forgets which providers the file names for nodes and groups."""
  for kind in ('nodes', 'groups'):
    group = topology.get(kind)
    items = group.values() if isinstance(group, dict) else group if isinstance(group, list) else []
    for item in items:
      if isinstance(item, dict):
        item.pop('provider', None)
        if isinstance(item.get('node_data'), dict):
          item['node_data'].pop('provider', None)


# The first class of the module in the order of names, and netlab takes that: its own, _Provider, comes after it.
class Apus(_Provider):

  def augment_node_data(self, node: Box, topology: Box) -> None:
    nodes.choose_kind(node, topology)
    node.hostname = self.get_node_name(node.name, topology)

  def node_post_transform(self, node: Box, topology: Box) -> None:
    nodes.settle_configuration(node, topology)
    if topology.defaults.providers.apus.mgmt:
      validate_mgmt_ip(node, required=False, provider='apus', mgmt=topology.addressing.mgmt, v4only=True)

  def post_transform(self, topology: Box) -> None:
    nodes.name_nodes(topology)
    for node in topology.nodes.values():
      node.hostname = self.get_node_name(node.name, topology)
      for intf in node.interfaces:
        # In the file kbit/s, as `netlab tc set` gives it bit/s: from here on it is that.
        if intf.get('tc.rate'):
          intf.tc.rate = intf.tc.rate * 1000
    # Notes what Apus calls the link of each interface, for whoever reads the snapshot.
    labfile.LabFile(topology).document()

  def create(self, topology: Box, fname: typing.Optional[str]) -> None:
    fname = self.get_output_name(fname, topology)
    files.create_file_from_text(fname, labfile.text(topology))
    if fname != '-':
      log.status_created()
      print(f'provider configuration file: {fname}', flush=True)

  def get_node_name(self, node: str, topology: Box) -> str:
    return f'apus-{nodes.lab_name(topology)}-{nodes.name(topology.nodes[node])}'

  def validate_node_image(self, node: Box, topology: Box) -> None:
    if frr.is_own_container(node) and not is_dry_run():
      frr.pull(node, topology)

  def pre_start_lab(self, topology: Box) -> None:
    if is_dry_run():
      return
    commands.load_modules(topology)
    for node in nodes.managed(topology):
      if frr.is_own_container(node):
        frr.make_container(node, topology)

  def post_start_lab(self, topology: Box) -> None:
    if is_dry_run():
      return
    for node in nodes.managed(topology):
      if frr.is_in_namespace(node):
        frr.start_in_namespace(node, topology)

  def pre_stop_lab(self, topology: Box) -> None:
    if not is_dry_run():
      # Where `apus down` fails netlab ends without another word to providers, and they are privileged.
      atexit.register(frr.remove_containers, topology)

  def post_stop_lab(self, topology: Box) -> None:
    if not is_dry_run():
      atexit.unregister(frr.remove_containers)
      frr.remove_containers(topology)

  def get_lab_status(self, collect_status: dict) -> Box:
    return commands.states()

  def deploy_node_config(self, node: Box, topology: Box, deploy_list: list) -> None:
    deployment.deploy(node, topology, deploy_list)

  def set_tc(self, node: Box, topology: Box, intf: Box, error: bool = True) -> None:
    commands.set_impairments(node, topology, intf)

  def capture_command(self, node: Box, topology: Box, args: argparse.Namespace) -> list:
    return commands.capture(node, topology, args.intf)


commands.serve_connections()
