#!/usr/bin/env bash
# Brings a Google Cloud project to the state this checkout describes. Safe to repeat: a second run changes nothing.
#
#   ./deploy.sh dev|prod [--only PART]... [--skip PART]... [--project ID] [--dry-run]
#
# --dry-run prints every command and needs no credentials. functions/functions.toml defines what is deployed,
# deploy/environments.toml where, deploy/parts/ in which order.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo 'deploy.sh: Python 3.11 or newer is required: sudo apt-get install python3   (macOS: brew install python)' >&2
  exit 1
fi

# The firebase-tools of this repository's lock file, unless the machine has its own.
export PATH="$PATH:$PWD/node_modules/.bin"
exec python3 -m deploy "$@"
