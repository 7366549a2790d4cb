#!/usr/bin/env bash
# Puts Stripe's keys into Secret Manager and lets the functions read them. Asks for each; nothing is shown or kept elsewhere.
#
#   ./setup_stripe_secrets.sh dev|prod [--project ID]
#
# A value that is there already gets no second version. Enter alone leaves a secret as it is: the webhook secret, for
# one, is put there by `python -m deploy.stripe_setup`, which makes the endpoint.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"

fail() {
  echo "setup_stripe_secrets.sh: $1" >&2
  exit 1
}

environment=${1:-}
[[ $environment == dev || $environment == prod ]] || fail 'say which environment: ./setup_stripe_secrets.sh dev|prod [--project ID]'
shift
project_flag=()
while (($#)); do
  [[ $1 == --project && -n ${2:-} ]] || fail "unknown argument: $1"
  project_flag=(--project "$2")
  shift 2
done
command -v gcloud >/dev/null || fail 'gcloud is missing: https://cloud.google.com/sdk/docs/install'

if [[ $environment == prod ]]; then mode='live'; else mode='test'; fi

# Checks a value against the forms that its kind has in this environment. The value is never part of a message.
check() { # label, value, pattern
  [[ $2 =~ ^$3$ ]] || fail "this is no $1 for $environment: it must look like $3"
}

ask() { # label, pattern -> REPLY
  read -r -s -p "$1 (Enter leaves it as it is): " REPLY || true
  echo
  REPLY=${REPLY//[[:space:]]/}
  [[ -z $REPLY ]] || check "$1" "$REPLY" "$2"
}

ask 'secret key' "(sk|rk)_${mode}_[A-Za-z0-9]+"
secret_key=$REPLY
ask 'webhook secret' 'whsec_[A-Za-z0-9+/=]+(,whsec_[A-Za-z0-9+/=]+)*'
webhook_secret=$REPLY
ask 'publishable key' "pk_${mode}_[A-Za-z0-9]+"
publishable_key=$REPLY
unset REPLY

# The secrets themselves, the functions' accounts and who may read what: as functions/functions.toml says.
./deploy.sh "$environment" ${project_flag[@]+"${project_flag[@]}"} --only apis --only accounts --only secrets
project=${project_flag[1]:-$(python3 -m deploy.environment "$environment" project)}

keep() { # secret, value
  [[ -n $2 ]] || return 0
  local there
  there=$(gcloud secrets versions access latest --secret="$1" --project="$project" --quiet 2>/dev/null || true)
  if [[ $there == "$2" ]]; then
    echo "  unchanged  value of $1"
    return
  fi
  # Through stdin: a command's arguments can be read by everyone on this machine.
  printf '%s' "$2" | gcloud secrets versions add "$1" --data-file=- --project="$project" --quiet >/dev/null
  echo "  changing   value of $1"
}

keep stripe-secret-key "$secret_key"
keep stripe-webhook-secret "$webhook_secret"
keep stripe-publishable-key "$publishable_key"
echo "Next: .venv/bin/python -m deploy.stripe_setup $environment"
