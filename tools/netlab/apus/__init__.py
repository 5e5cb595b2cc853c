"""netlab plugin: makes labs on Apus.

`netlab up --plugin apus -p apus`, or `plugin: [apus]` and `provider: apus` in the topology. tools/setup --netlab puts
this folder at ~/.netlab/apus. Nothing of netlab's own files is changed: the provider's module enters Python's table of
modules under the name by which netlab looks for it, and what netlab pickles names the module, so that commands that
read the snapshot (tc, status, initial, validate, connect) have it as well. docs/netlab.md tells the rest.
"""

import pathlib

from box import Box
from netsim.utils import files

MODULE = 'netsim.providers.apus'
_folder = pathlib.Path(__file__).resolve().parent
_path = str(_folder / 'provider' / '__init__.py')
_provider = files.load_python_module(MODULE, _path)


def init(topology: Box) -> None:
  """Puts every node on Apus where Apus is the provider: its labs are not mixed with others."""
  if topology.get('provider') != 'apus':
    return
  _provider.remove_pins(topology)
  # Scripts are those for containers of containerlab: run on this host in the network of a node, and in it.
  paths = topology.defaults.paths
  paths.t_files.files.insert(0, '{{config_module}}/{{netlab_device_type}}-clab.j2')
  paths.templates.dirs.extend(['package:templates/provider/clab', str(_folder / 'templates')])


def cleanup(topology: Box) -> None:
  """Has the snapshot name the provider's module: whoever reads it loads that first."""
  if topology.get('provider') == 'apus':
    topology.defaults.providers.apus.module = _provider.ModuleName(_path)
