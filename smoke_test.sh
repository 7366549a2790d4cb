#!/usr/bin/env bash
# Checks that a running system answers as it should. Prints a table; exits with a status above 0 if a check fails.
#
#   ./smoke_test.sh URL [--purchase [--simulator URL]]
#
# URL is the address of the pages, such as https://token-economy-dev.web.app. Without --purchase it only reads, so it is
# safe on production.
#   --purchase       buys the starter package as the user whose Firebase ID token is in ID_TOKEN, and waits for the
#                    tokens. Prints the payment page for you to pay on; with live keys that is real money.
#   --simulator URL  pays at the Stripe simulator of a local stack (.local/endpoints.json, "stripe") instead.
set -euo pipefail

usage() {
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
  exit 2
}

base='' purchase='' simulator=''
while (($#)); do
  case $1 in
    --purchase) purchase=yes ;;
    --simulator)
      simulator=${2:?--simulator needs a URL}
      shift
      ;;
    http://* | https://*) base=${1%/} ;;
    *) usage ;;
  esac
  shift
done
[[ -n $base ]] || usage
for tool in curl python3; do
  command -v "$tool" >/dev/null || { echo "smoke_test.sh: $tool is required" >&2; exit 2; }
done
[[ -z $purchase || -n ${ID_TOKEN:-} ]] || {
  echo 'smoke_test.sh: --purchase needs a user: put a Firebase ID token into ID_TOKEN (docs/deployment.md, "Verify")' >&2
  exit 2
}

body=$(mktemp)
trap 'rm -f "$body"' EXIT
failures=0

row() { # ok|FAILED, check, result
  printf '%-7s %-58s %s\n' "$1" "$2" "$3"
  [[ $1 == ok ]] || failures=$((failures + 1))
}

# Sends a request. The status goes to REPLY, the body to the file.
request() { # method, path or URL, more arguments for curl
  local url=$2
  [[ $url == http* ]] || url=$base$url
  REPLY=$(curl --silent --show-error --max-time 20 --output "$body" --write-out '%{http_code}' --request "$1" "$url" "${@:3}") || REPLY=000
}

expect() { # status, check, then the arguments of request
  request "${@:3}"
  if [[ $REPLY == "$1" ]]; then row ok "$2" "$REPLY"; else row FAILED "$2" "$REPLY instead of $1: $(head -c 200 "$body")"; fi
}

# Evaluates a Python expression over the last answer, `a`.
answer() { python3 -c 'import json, sys; a = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$body" "$1" 2>/dev/null || true; }

printf '%-7s %-58s %s\n' '' "$base" status
expect 200 'the pages load' GET /
expect 200 'anyone can list the packages' GET /api/tokens/packages
available=$(answer '[p["available"] for p in a["packages"]].count(True) * all(p["available"] for p in a["packages"])')
if ((${available:-0} > 0)); then
  row ok 'every package is on sale' "$available"
else
  row FAILED 'every package is on sale' 'some have no price: python -m deploy.stripe_setup'
fi
expect 401 'a balance needs a sign-in' GET /api/tokens/balance
expect 401 'a history needs a sign-in' GET /api/tokens/transactions
expect 401 'a forged sign-in is rejected' GET /api/tokens/balance --header 'Authorization: Bearer forged'
expect 401 'buying needs a sign-in' POST /api/tokens/create-checkout-session --json '{"package":"starter"}'
expect 405 'buying is a POST' GET /api/tokens/create-checkout-session
expect 400 'a webhook without a signature is rejected' POST /api/stripe/webhook --json '{}'
expect 405 'a webhook is a POST' GET /api/stripe/webhook

if [[ -n $purchase ]]; then
  as_user=(--header "@-")
  signed_in() { request "$@" "${as_user[@]}" <<<"Authorization: Bearer $ID_TOKEN"; } # not on a command line
  signed_in GET /api/tokens/balance
  before=$(answer 'a["balance"]')
  signed_in POST /api/tokens/create-checkout-session --json '{"package":"starter"}'
  if [[ $REPLY == 200 && -n $before ]]; then
    row ok 'a checkout session is created' "$(answer 'a["session_id"]')"
    session=$(answer 'a["session_id"]') page=$(answer 'a["url"]')
    if [[ -n $simulator ]]; then
      expect 200 'the simulator accepts the payment' POST "${simulator%/}/_sim/sessions/$session/pay" --json '{"card":"4242424242424242"}'
    else
      echo "        Pay here: $page"
    fi
    deadline=$((SECONDS + 600)) balance=$before
    while ((balance < before + 50 && SECONDS < deadline)); do
      sleep 1
      signed_in GET /api/tokens/balance
      balance=$(answer 'a["balance"]')
      balance=${balance:-$before}
    done
    if ((balance == before + 50)); then row ok 'the tokens are credited' "$before -> $balance"; else row FAILED 'the tokens are credited' "$before -> $balance"; fi
  else
    row FAILED 'a checkout session is created' "$REPLY $(head -c 200 "$body")"
  fi
fi

if ((failures)); then
  echo "$failures checks failed: see docs/deployment.md, \"Troubleshooting\""
  exit 1
fi
echo 'All checks passed.'
