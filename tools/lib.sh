# Helpers that the commands of this folder share. Sourced, never run.
# shellcheck shell=bash

# The project's top folder, whatever the caller's working directory is.
project_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# step TEXT: a line of progress.
step() { printf '==> %s\n' "$*" >&2; }

# note TEXT: a detail under the last step.
note() { printf '    %s\n' "$*" >&2; }

# die TEXT: says what went wrong and ends the command with status 1.
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# usage_error TEXT: a mistake in the arguments; status 2.
usage_error() {
  printf '%s: %s; see %s --help\n' "$(basename "$0")" "$*" "$(basename "$0")" >&2
  exit 2
}

# show_help: prints the comment at the head of the calling script (everything between `#!` and the first code line).
show_help() {
  sed -n '2,/^[^#]/{/^#/!d;s/^# \{0,1\}//;p}' "$0"
}

# require_tools NAME...: fails with every missing command at once, so that nothing is ever skipped in silence.
require_tools() {
  local tool
  local -a missing=()
  for tool in "$@"; do
    command -v "$tool" >/dev/null 2>&1 || missing+=("$tool")
  done
  ((${#missing[@]} == 0)) || die "not installed: ${missing[*]}; run tools/setup, and tools/setup --tests for what only tests need"
}

# is_root: whether this shell may install packages, open TAPs and make namespaces.
is_root() { [[ $(id -u) -eq 0 ]]; }

# require_root WHY: ends the command unless it runs as root.
require_root() { is_root || die "$1 needs root; run it with sudo"; }

# timed NAME COMMAND...: runs a stage and prints how long it took, also when it fails.
timed() {
  local name=$1 started=$SECONDS status=0
  shift
  step "$name"
  "$@" || status=$?
  if ((status == 0)); then
    step "$name: done in $((SECONDS - started)) s"
  else
    step "$name: FAILED (status $status) after $((SECONDS - started)) s"
  fi
  return "$status"
}
