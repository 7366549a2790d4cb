#!/usr/bin/env bash
# Stores Stripe's keys in Secret Manager and lets the functions read them. It prompts for each key, and neither shows it
# nor stores it anywhere else.
#
#   ./setup_stripe_secrets.sh ENVIRONMENT [--project ID]
#
# Storing the same value twice adds no version. Press Enter to keep a secret as it is. Skip the webhook secret:
# `python -m deploy.stripe_setup` stores it when it creates the endpoint.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"

fail() {
  echo "setup_stripe_secrets.sh: $1" >&2
  exit 1
}

(($#)) || fail 'name the environment: ./setup_stripe_secrets.sh ENVIRONMENT [--project ID]'
environment=$1
shift
livemode=$(python3 -m deploy.environment "$environment" livemode) || exit 1
project_flag=()
while (($#)); do
  [[ $1 == --project && -n ${2:-} ]] || fail "unknown argument: $1"
  project_flag=(--project "$2")
  shift 2
done
command -v gcloud >/dev/null || fail 'gcloud is required: https://cloud.google.com/sdk/docs/install'

if [[ $livemode == True ]]; then mode='live'; else mode='test'; fi

# Checks a value against the form that its kind has in this environment. The value never appears in a message.
check() { # label, value, pattern
  [[ $2 =~ ^$3$ ]] || fail "this is not a $1 for $environment: it must look like $3"
}

ask() { # label, pattern -> REPLY
  read -r -s -p "$1 (Enter to keep the current one): " REPLY || true
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
ask "operators' key, if it is another one" "(sk|rk)_${mode}_[A-Za-z0-9]+"
operator_key=$REPLY
unset REPLY

# Creates the secrets, the functions' accounts, and their access as functions/functions.toml defines it.
./deploy.sh "$environment" ${project_flag[@]+"${project_flag[@]}"} --only apis --only accounts --only secrets
project=${project_flag[1]:-$(python3 -m deploy.environment "$environment" project)}

store() { # secret, value
  [[ -n $2 ]] || return 0
  local current
  current=$(gcloud secrets versions access latest --secret="$1" --project="$project" --quiet 2>/dev/null || true)
  if [[ $current == "$2" ]]; then
    echo "  unchanged  value of $1"
    return
  fi
  # Through stdin, because every user of this machine can read a command's arguments.
  printf '%s' "$2" | gcloud secrets versions add "$1" --data-file=- --project="$project" --quiet >/dev/null
  echo "  changing   value of $1"
}

store stripe-secret-key "$secret_key"
store stripe-webhook-secret "$webhook_secret"
store stripe-publishable-key "$publishable_key"
store stripe-operator-key "$operator_key"
echo "Next: .venv/bin/python -m deploy.stripe_setup $environment"
