#!/usr/bin/env bash
# Rolls one thing back. docs/deployment.md, "Roll back", says what to do next: revert the commit, replay the topic.
#
#   ./rollback.sh ENVIRONMENT function NAME...  [--to REVISION]   send traffic to the revision before the current one
#   ./rollback.sh ENVIRONMENT rules --to COMMIT                   deploy firestore.rules as they were in a commit
#   ./rollback.sh ENVIRONMENT webhook --to URL                    make Stripe send its events to another address
#
# --dry-run prints the commands. --project ID uses this project instead of the environment's.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
export PATH="$PATH:$PWD/node_modules/.bin"

fail() {
  echo "rollback.sh: $1" >&2
  exit 1
}
usage() {
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
  exit 2
}

(($# >= 2)) || usage
environment=$1 what=$2
shift 2
project=$(python3 -m deploy.environment "$environment" project) || exit 1
region=$(python3 -m deploy.environment "$environment" region)
names=() to='' dry_run=''
while (($#)); do
  case $1 in
    --to | --project)
      [[ -n ${2:-} ]] || fail "$1 needs a value"
      if [[ $1 == --to ]]; then to=$2; else project=$2; fi
      shift
      ;;
    --dry-run) dry_run=yes ;;
    -*) usage ;;
    *) names+=("$1") ;;
  esac
  shift
done

run() {
  printf '%q ' "$@"
  echo
  [[ -n $dry_run ]] || "$@"
}

# Prints the newest revision that is older than the current one.
previous_revision() { # service
  local current
  current=$(gcloud run services describe "$1" --region="$region" --project="$project" --format='value(status.traffic[0].revisionName)')
  gcloud run revisions list --service="$1" --region="$region" --project="$project" \
    --sort-by=~metadata.creationTimestamp --format='value(metadata.name)' |
    awk -v current="$current" 'older && !printed { print; printed = 1 } $0 == current { older = 1 }'
}

case $what in
  function)
    ((${#names[@]})) || fail 'name the functions'
    [[ -z $to || ${#names[@]} == 1 ]] || fail '--to works with one function'
    for name in "${names[@]}"; do
      [[ -d functions/$name ]] || fail "there is no function $name"
      service=${name//_/-} revision=$to
      if [[ -z $revision ]]; then
        if [[ -n $dry_run ]]; then revision=PREVIOUS; else revision=$(previous_revision "$service"); fi
      fi
      [[ -n $revision ]] || fail "$name has no revision before the current one"
      run gcloud run services update-traffic "$service" --to-revisions="$revision=100" --region="$region" --project="$project" --quiet
    done
    ;;
  rules)
    [[ -n $to ]] || fail 'name the commit: --to COMMIT'
    git cat-file -e "$to:firestore.rules" 2>/dev/null || fail "commit $to has no firestore.rules"
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    git show "$to:firestore.rules" >"$folder/firestore.rules"
    echo '{"firestore": {"rules": "firestore.rules"}}' >"$folder/firebase.json"
    run firebase deploy --only=firestore:rules --config="$folder/firebase.json" --project="$project" --non-interactive
    ;;
  webhook)
    [[ $to == https://* ]] || fail 'name the address: --to https://…'
    run .venv/bin/python -m deploy.stripe_setup "$environment" --project="$project" --webhook-url="$to"
    ;;
  *) usage ;;
esac
