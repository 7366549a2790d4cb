#!/usr/bin/env bash
# Checks that a running system answers as it should. Prints a table; exits with a status above 0 if a check fails.
#
#   ./smoke_test.sh URL [--environment NAME] [--purchase [--simulator URL]]
#
# URL is the address of the pages, such as https://token-economy-dev.web.app. Without --purchase it changes nothing, so it
# is safe on production.
#   --environment NAME  also checks that the environment's private functions answer nobody, and its catalog; needs gcloud
#   --purchase          buys the starter package as the user whose Firebase ID token is in ID_TOKEN, and waits for the
#                       tokens. Prints the payment page for you to pay on; with live keys that is real money.
#   --simulator URL     pays at the Stripe simulator of a local stack (.local/endpoints.json, "stripe") instead
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
exec python3 -m deploy.smoke "$@"
