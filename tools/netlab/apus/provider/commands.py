"""What netlab has the program `apus` do: commands in nodes, states, impairments, captures."""

import argparse
import json
import pathlib
import shlex
import subprocess
import sys
import typing

from box import Box
from netsim.cli import connect, external_commands, is_dry_run
from netsim.data import get_empty_box
from netsim.providers import PRINT_LOCK
from netsim.utils import log

from . import frr, nodes

# Keys of an impairment, and how `apus link set` and the lab file have their values.
UNITS: typing.Dict[str, str] = {
  'delay': 'ms', 'jitter': 'ms', 'loss': '%', 'corrupt': '%', 'duplicate': '%', 'reorder': '%', 'rate': 'kbit'}


def inside(node: Box, topology: Box, command: list, terminal: bool = False) -> typing.List[str]:
  """The command line that runs a command in a node, where its files and processes are."""
  words = ['apus', 'exec', '--lab', nodes.lab_name(topology)] + (['-i', '-t'] if terminal else [])
  words += [nodes.name(node), '--']
  return words + entering(node) + [str(word) for word in command]


def entering(node: Box) -> typing.List[str]:
  """What a command in a namespace goes through: the place of FRR, or the names of the lab instead of this host's."""
  if frr.is_in_namespace(node):
    return frr.entering(node)
  hosts = pathlib.Path('node_files').resolve() / '-shared-hosts'
  if nodes.kind(node) != 'netns' or not hosts.exists():
    return []
  return ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', str(hosts)]


def run(command: list, **settings: typing.Any) -> subprocess.CompletedProcess:
  """Runs a program to its end; one that is not there has failed as well. A dry run only says it."""
  if is_dry_run():
    with PRINT_LOCK:
      print(f'DRY RUN: {shlex.join(command)}', flush=True)
    return subprocess.CompletedProcess(command, returncode=0, stdout='', stderr='')
  try:
    return subprocess.run(command, capture_output=True, text=True, check=False, **settings)
  except OSError as error:
    return subprocess.CompletedProcess(command, returncode=127, stdout='', stderr=str(error))


# MARK: - connect, exec, validate


def serve_connections() -> None:
  """Has `netlab connect`, `exec` and `validate` reach nodes of Apus by `apus exec`.

  netlab knows two ways to a node, `docker exec` and SSH. Nodes of this provider say the first, and for them it is
  this one; for others it stays what it was.
  """
  original = getattr(connect.docker_connect, 'original', connect.docker_connect)

  def docker_connect(
        data: Box, p_args: argparse.Namespace, rest: list,
        log_level: typing.Any = connect.LogLevel.INFO) -> typing.Any:
    if 'kind' not in data.get('apus', {}):
      return original(data, p_args, rest, log_level)
    return to_node(data, p_args, rest, log_level)

  docker_connect.original = original    # type: ignore[attr-defined]
  connect.docker_connect = docker_connect


def to_node(data: Box, p_args: argparse.Namespace, rest: list, log_level: typing.Any) -> typing.Any:
  from netsim.data import global_vars

  topology = global_vars.get_topology()
  node = topology.nodes[data.host]
  if nodes.kind(node) == 'switch':
    log.fatal(f'Node {node.name} is a switch of Apus: there is nothing to connect to', module='apus')
  # The built-in guest and most images have no bash.
  shell = data.get('docker_shell', 'bash' if rest else 'bash -il')
  words = shell if isinstance(shell, list) else str(shell).split(' ')
  if rest:
    # Not as if somebody sat there: without a terminal such a shell complains.
    words = [words[0], '-c', ' '.join(rest)]
  command = inside(node, topology, words, terminal=sys.stdin is not None and sys.stdin.isatty())
  if log_level == connect.LogLevel.DRY_RUN:
    print(f'DRY RUN: {command}')
    return True
  if log_level == connect.LogLevel.ARGS:
    print(f'Executing: {command}', flush=True)
  elif log_level != connect.LogLevel.NONE:
    what = f', executing {" ".join(rest)}' if rest else ''
    sys.stderr.write(f'Connecting to {node.name}{what}\n')
    sys.stderr.flush()
  output = bool('output' in p_args and p_args.output)
  return external_commands.run_command(command, check_result=output, return_stdout=output, ignore_errors=True)


# MARK: - status


def states() -> Box:
  """The states of all nodes of all labs, by the names that netlab has for them."""
  found = get_empty_box()
  listed = run(['apus', 'ps', '-o', 'json'])
  if listed.returncode != 0:
    log.error(f'apus ps failed: {listed.stderr.strip()}', category=log.FatalError, module='apus')
    return found
  for row in json.loads(listed.stdout or '[]'):
    ready = '' if row.get('ready') else ', not ready'
    found[f'apus-{row["lab"]}-{row["node"]}'] = {'status': f'{row["state"]}{ready}', 'image': row.get('image') or ''}
  return found


# MARK: - tc


def impairment(settings: Box) -> typing.Dict[str, str]:
  """Settings of netlab as Apus has them: times in ms, shares in percent, and a rate that netlab has in bit/s."""
  values: typing.Dict[str, str] = {}
  for key, unit in UNITS.items():
    value = settings.get(key)
    if not value:
      continue
    number = float(value) / (1000 if key == 'rate' else 1)
    values[key] = f'{number:.6f}'.rstrip('0').rstrip('.') + unit
  delay, jitter = float(settings.get('delay') or 0), float(settings.get('jitter') or 0)
  if jitter > delay:
    # A frame cannot be early.
    values['delay'] = values['jitter']
  return values


def link_of(node: Box, topology: Box, intf: Box) -> typing.Optional[str]:
  """What Apus calls the link of an interface; None for one that is no link: a bond, a VLAN, a loopback."""
  if intf.get('virtual_interface') or intf.get('type') == 'lag':
    return None
  return intf.get('apus.link')


def set_impairments(node: Box, topology: Box, intf: Box) -> None:
  """Sets, changes, ends or shows what happens to frames that the node sends by an interface."""
  link = link_of(node, topology, intf)
  if link is None:
    log.warning(
      text=f'{node.name} {intf.ifname} is no link of Apus: it cannot be impaired', module='apus', flag='apus.tc')
    return
  lab = ['--lab', nodes.lab_name(topology)]
  end = intf.apus.end
  action = intf.tc.get('action')
  if action == 'show':
    shown = run(['apus', 'link', 'show', link] + lab)
    with PRINT_LOCK:
      print(f'{node.name} {intf.ifname}:\n{shown.stdout or shown.stderr}', end='', flush=True)
    return
  values = [f'{key}={value}' for key, value in impairment(intf.tc).items()]
  if not values and action == 'modify':
    return
  # Without any, --replace ends what there was.
  command = ['apus', 'link', 'set', link] + (values or ['delay=0ms']) + ['--from', end] + lab
  done = run(command + ([] if action == 'modify' else ['--replace']))
  if done.returncode != 0:
    log.error(
      text=f'Failed to impair {node.name} {intf.ifname}', more_data=[shlex.join(command), done.stderr.strip()],
      module='apus', skip_header=True, category=log.ErrorAbort)
  elif not is_dry_run():
    log.info(text=f'Traffic control on {node.name} {intf.ifname}: {" ".join(values) or "disabled"}')


# MARK: - capture, modules


def capture(node: Box, topology: Box, interface: str) -> typing.Optional[list]:
  """The command that netlab appends tcpdump's arguments to."""
  if nodes.kind(node) == 'switch':
    return None
  intf = next((i for i in node.interfaces if i.ifname == interface), None)
  if intf is None or intf.get('virtual_interface') or intf.get('type') == 'lag':
    # No port of Apus: inside of the node.
    return inside(node, topology, ['tcpdump', '-i', interface])
  target = f'{nodes.name(node)}.{intf.apus.nic}'
  line = f'apus capture {target} --lab {nodes.lab_name(topology)} -w - | exec tcpdump -r - "$@"'
  return ['sh', '-c', line, 'tcpdump']


def load_modules(topology: Box) -> None:
  """Loads what the lab's modules need of the kernel; where it has them built in, or not at all, that is no matter."""
  wanted = topology.defaults.providers.apus.kmods
  used = {module for node in topology.nodes.values() for module in node.get('module', [])}
  for name in sorted({name for module in used for name in wanted.get(module, [])}):
    run(['modprobe', '-q', name])
