"""Configuration of nodes: netlab's scripts, run in them by `apus exec`."""

import pathlib
import subprocess

from box import Box
from netsim.data import append_to_list
from netsim.providers import PRINT_LOCK
from netsim.utils import log, strings

from . import commands, frr, nodes

# Writes what comes in to a file of the node, whose name nobody can foresee, and runs it there.
RUNNER = (
  'f=$(mktemp /tmp/netlab-XXXXXX) || exit; '
  'cat >"$f" && chmod 700 "$f" && "$f" </dev/null; s=$?; rm -f "$f"; exit $s')


def deploy(node: Box, topology: Box, parts: list) -> None:
  """Runs the node's scripts in the order of netlab, up to the first that fails."""
  modes = {item.source: item.get('mode', '') for item in node.get('apus.config_templates', [])}
  if node.get('apus.kind', 'switch') == 'switch' or node.device == 'none':
    return
  if node.device == 'frr' and not frr.wait(node, topology):
    append_to_list(node._deploy, 'failed', 'initial')
    log.error(
      f'FRR of node {node.name} does not answer', category=log.FatalError, module='apus', skip_header=True)
    return
  node._deploy.method = 'apus exec'
  if node.device != 'frr' and nodes.kind(node) != 'netns':
    add_names(node, topology)
  for part in parts:
    script = pathlib.Path('node_files') / node.name / part
    if not script.exists():
      continue
    done = run_script(node, topology, script, modes.get(part, ''))
    if done.returncode == 0:
      append_to_list(node._deploy, 'success', part)
      if not log.VERBOSE:
        continue
    with PRINT_LOCK:
      for text in (done.stdout, done.stderr):
        if text and text.strip():
          strings.print_colored_text(
            '  ' + strings.wrap_error_message(text.strip(' \n') + '\n', indent=2), 'bright_black')
      if done.returncode != 0:
        log.error(
          f'{part} configuration failed for node {node.name}', category=log.FatalError, skip_header=True,
          more_data=f'Status {done.returncode} of {script}', module='initial')
    if done.returncode != 0:
      append_to_list(node._deploy, 'failed', part)
      return


def add_names(node: Box, topology: Box) -> None:
  """Adds netlab's names to those that a container or machine knows already."""
  hosts = pathlib.Path('node_files') / '-shared-hosts'
  if hosts.exists():
    with hosts.open('rb') as text:
      line = 'grep -q "Created by netlab" /etc/hosts || cat >>/etc/hosts'
      commands.run(commands.inside(node, topology, ['sh', '-c', line]), stdin=text)


def run_script(node: Box, topology: Box, script: pathlib.Path, mode: str) -> subprocess.CompletedProcess:
  if mode == 'ns' and nodes.kind(node) == 'container':
    # A container may not set what is under /proc/sys, and its image need not have `ip`: this host does it for it.
    space = f'apus-{nodes.lab_name(topology)}-{nodes.name(node)}'
    return commands.run(['ip', 'netns', 'exec', space, 'sh', str(script)])
  with script.open('rb') as text:
    words = commands.inside(node, topology, ['sh', '-c', RUNNER])
    return commands.run(words, stdin=text)
