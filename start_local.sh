#!/usr/bin/env bash
# Starts everything on this machine: the name the team knows for `make run`.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
exec make run ARGS="$*"
