#!/usr/bin/env bash
# Starts everything on this machine: another name for `make run`.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
exec make run ARGS="$*"
