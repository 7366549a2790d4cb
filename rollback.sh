#!/usr/bin/env bash
# Rolls one thing back. docs/deployment.md, "Roll back", says what to do next: revert the commit, replay the topic.
#
#   ./rollback.sh ENVIRONMENT function NAME... [--to REVISION]   traffic to the last ready revision before the current one
#   ./rollback.sh ENVIRONMENT rules --to COMMIT                  firestore.rules as they were in a commit
#   ./rollback.sh ENVIRONMENT webhook --to URL | --disable       Stripe sends its events elsewhere, or none
#
# --dry-run prints the commands. --project ID uses this project instead of the environment's.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
export PATH="$PATH:$PWD/node_modules/.bin"
exec python3 -m deploy.rollback "$@"
