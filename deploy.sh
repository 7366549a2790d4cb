#!/usr/bin/env bash
# Makes a Google Cloud project what this checkout says; run it as often as you like, a second run changes nothing.
#
#   ./deploy.sh dev|prod [--only PART]... [--skip PART]... [--project ID] [--dry-run]
#
# --dry-run prints every command and needs no credentials. What is deployed stands in functions/functions.toml, where
# in deploy/environments.toml, in which order in deploy/plan.py.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo 'deploy.sh: Python 3.11 or newer is missing: sudo apt-get install python3   (macOS: brew install python)' >&2
  exit 1
fi

# The firebase of this repository's lock file, unless the machine has one of its own.
export PATH="$PATH:$PWD/node_modules/.bin"
exec python3 -m deploy "$@"
