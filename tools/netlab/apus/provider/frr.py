"""Where FRR runs: in a container, or in a namespace with the daemons of this host.

FRR wants rights that Apus gives to no container of its own (SYS_ADMIN, and to write under /proc/sys). So the provider
makes these containers, as containerlab does, and Apus attaches its interfaces to them. In a namespace FRR has a mount
namespace of its own, with private folders for its settings, sockets and logs, and its own process numbers: what
netlab's scripts write stays there, and goes with the lab.
"""

import json
import pathlib
import shlex
import subprocess
import time
import typing

from box import Box
from netsim.utils import log

from . import commands, nodes

# Seconds within which FRR answers after its start: long, for hosts that are busy.
PATIENCE = 60
# Folders of this host of which FRR in a namespace has empty ones of its own, and those that it makes in them.
PRIVATE = ('/etc/frr', '/run', '/var/log', '/var/tmp', '/tmp', '/root')
MADE = ('/run/frr', '/var/log/frr', '/var/tmp/frr')


def is_own_container(node: Box) -> bool:
  return node.device == 'frr' and node.get('apus.kind') == 'container'


def is_in_namespace(node: Box) -> bool:
  return node.device == 'frr' and node.get('apus.kind') == 'netns'


def wait(node: Box, topology: Box) -> bool:
  """Waits until the daemons take commands."""
  end = time.monotonic() + PATIENCE
  while time.monotonic() < end:
    if commands.run(commands.inside(node, topology, ['vtysh', '-c', 'show version'])).returncode == 0:
      return True
    time.sleep(0.2)
  return False


# MARK: - Containers


def container_name(node: Box, topology: Box) -> str:
  # No name of a lab has two - in a row, so it is clear where it ends.
  return f'netlab-{nodes.lab_name(topology)}--{nodes.name(node)}'


def marks(topology: Box) -> typing.Dict[str, str]:
  """Labels of the lab's containers, by which it knows them: its name, and the folder from which netlab runs it."""
  return {'netlab': str(topology.name), 'netlab-folder': str(pathlib.Path.cwd())}


def engine(topology: Box) -> str:
  return nodes.engine(topology) or 'podman'


def pull(node: Box, topology: Box) -> None:
  """Loads the image, if this host has none of that name."""
  if commands.run([engine(topology), 'image', 'inspect', node.box]).returncode == 0:
    return
  log.info(f'Loading container image {node.box}, used by {node.name}', module='apus')
  done = commands.run([engine(topology), 'pull', node.box])
  if done.returncode != 0:
    log.error(
      f'Cannot load container image {node.box}, used by node {node.name}', category=log.FatalError,
      more_data=done.stderr.strip(), module='apus')


def make_container(node: Box, topology: Box) -> None:
  name = container_name(node, topology)
  failure = remove_container(node, topology)
  if failure is not None:
    log.fatal(failure, module='apus')
  command = [engine(topology), 'run', '-d', '-t', '--name', name, '--hostname', node.name.replace('_', '-')]
  # Its network is its own, and empty until Apus brings interfaces.
  command += ['--privileged', '--pids-limit=-1', '--network', 'none']
  for label, value in marks(topology).items():
    command += ['--label', f'{label}={value}']
  if engine(topology) == 'docker':
    for place in ('all', 'default'):
      command += ['--sysctl', f'net.ipv6.conf.{place}.disable_ipv6=0']
  for item in node.get('apus.config_templates', []):
    if item.get('mode') == 'shared':
      command += ['-v', f'{pathlib.Path("node_files").resolve()}/-shared-{item.source}:{item.target}:ro']
    elif not item.get('mode'):
      command += ['-v', f'{pathlib.Path("node_files").resolve()}/{node.name}/{item.source}:{item.target}']
  done = commands.run(command + [node.box])
  if done.returncode != 0:
    remove_container(node, topology)
    log.fatal(f'Cannot start the container of node {node.name}: {done.stderr.strip()}', module='apus')


def remove_container(node: Box, topology: Box) -> typing.Optional[str]:
  """Removes the node's container if it is this lab's; what is in the way otherwise, and what to do."""
  name, program = container_name(node, topology), engine(topology)
  found = commands.run([program, 'container', 'inspect', '--format', '{{json .Config.Labels}}', name])
  if found.returncode != 0:
    missing = 'no such container' in found.stderr.lower()
    return None if missing else f'Cannot look for container {name}: {found.stderr.strip()}'
  labels = json.loads(found.stdout) or {}
  if any(labels.get(label) != value for label, value in marks(topology).items()):
    lab, folder = labels.get('netlab'), labels.get('netlab-folder')
    whose = 'not made by netlab' if lab is None else f'of lab {lab} in {folder}'
    return (
      f'Container {name}, which node {node.name} would have, is {whose}: it stays. Give this lab another name, or '
      f'remove the container: {program} rm -f {name}')
  done = commands.run([program, 'rm', '-f', '-v', name])
  if done.returncode != 0:
    return f'Cannot remove container {name} ({done.stderr.strip()}). Remove it: {program} rm -f {name}'
  return None


def remove_containers(topology: Box) -> None:
  """Removes the lab's containers, and names those that stay."""
  for node in nodes.managed(topology):
    failure = remove_container(node, topology) if is_own_container(node) else None
    if failure is not None:
      log.error(failure, category=log.FatalError, module='apus')


# MARK: - Namespaces


def record(node: Box) -> pathlib.Path:
  """File with the number of the process whose namespaces FRR lives in."""
  return pathlib.Path('node_files').resolve() / node.name / 'frr.pid'


def entering(node: Box) -> typing.List[str]:
  line = 'exec nsenter -t "$(cat "$0")" -m -u -p -- "$@"'
  return ['sh', '-c', line, str(record(node))]


def start_in_namespace(node: Box, topology: Box) -> None:
  """Makes the place, and starts in it the daemons that the node's modules ask for."""
  folder = pathlib.Path('node_files').resolve() / node.name
  # Nobody but the first process of the place lives outside of it, and it ends when it is asked to.
  place = folder / 'frr.place'
  place.write_text(place_script(node, folder))
  space = f'apus-{nodes.lab_name(topology)}-{nodes.name(node)}'
  for left in (record(node), folder / 'frr.started'):
    left.unlink(missing_ok=True)
  command = ['ip', 'netns', 'exec', space, 'unshare', '--mount', '--uts', '--pid', '--fork', '--mount-proc']
  with (folder / 'frr.log').open('w') as words:
    subprocess.Popen(
      command + ['sh', str(place)], start_new_session=True, stdin=subprocess.DEVNULL, stdout=words, stderr=words)
  end = time.monotonic() + PATIENCE
  while time.monotonic() < end:
    number = first_process(space)
    if number is not None and (folder / 'frr.started').exists():
      record(node).write_text(f'{number}\n')
      return
    time.sleep(0.1)
  said = (folder / 'frr.log').read_text().strip()
  log.fatal(f'FRR of node {node.name} does not start: {said}', module='apus')


def first_process(space: str) -> typing.Optional[int]:
  """The process that is the first of its own numbers in a namespace."""
  found = commands.run(['ip', 'netns', 'pids', space])
  for word in found.stdout.split():
    try:
      status = pathlib.Path(f'/proc/{word}/status').read_text()
    except OSError:
      continue
    numbers = next((line.split()[1:] for line in status.splitlines() if line.startswith('NSpid:')), [])
    if len(numbers) > 1 and numbers[-1] == '1':
      return int(word)
  return None


def place_script(node: Box, folder: pathlib.Path) -> str:
  """What the first process of FRR's place does."""
  lines = ['set -e', 'trap "exit 0" TERM', f'cd {shlex.quote(str(folder))}']
  lines += [f'hostname {node.name.replace("_", "-")}']
  # Bound there before /tmp or /root, in which it may be, has nothing in it any more.
  lines += ['mount --bind . /mnt']
  lines += [f'mount -t tmpfs -o mode=755 tmpfs {path}' for path in PRIVATE]
  # Made in those: nothing of it is on this host.
  lines += [f'mkdir {" ".join(MADE)}', 'chmod 1777 /tmp /var/tmp', f'chown frr:frr /etc/frr {" ".join(MADE)}']
  lines += ['cp /mnt/daemons /etc/frr/daemons', ': >/etc/frr/frr.conf']
  lines += ['echo service integrated-vtysh-config >/etc/frr/vtysh.conf']
  lines += ['chown frr:frr /etc/frr/*']
  lines += ['/usr/lib/frr/frrinit.sh start', ': >/mnt/frr.started', 'sleep infinity & wait']
  return '\n'.join(lines) + '\n'
