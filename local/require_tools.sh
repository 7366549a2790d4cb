#!/usr/bin/env bash
# Lists every tool that this machine lacks, each with the command that installs it, before anything starts.
set -euo pipefail

missing=()

lacks() { # tool, command on Debian and Ubuntu, command on macOS
  local how=$2
  if [[ $(uname -s) == Darwin ]]; then how=$3; fi
  missing+=("  $1"$'\n'"      $how")
}

# Prints the first number of "v20.20.2" or "openjdk version \"17.0.15\"".
major() { grep --only-matching --max-count=1 --extended-regexp '[0-9]+' | head -n 1; }

python3 -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
  lacks 'Python 3.11 or newer, with venv' 'sudo apt-get install python3 python3-venv' 'brew install python'

if ! command -v npm >/dev/null || (($(node --version 2>/dev/null | major || echo 0) < 20)); then
  lacks 'Node.js 20.19 or newer, with npm' \
    'curl -fsSL https://deb.nodesource.com/setup_22.x | sudo bash - && sudo apt-get install nodejs' 'brew install node'
fi

if (($(java -version 2>&1 | major || echo 0) < 11)); then
  lacks 'Java 11 or newer, for the emulators' 'sudo apt-get install default-jre-headless' 'brew install openjdk'
fi

if command -v gcloud >/dev/null; then
  components=$(gcloud --version 2>/dev/null)
  for component in beta cloud-firestore-emulator pubsub-emulator; do
    grep --quiet "^$component " <<<"$components" ||
      lacks "gcloud's component $component" \
        "gcloud components install $component   (or, if apt installed gcloud: sudo apt-get install google-cloud-cli-${component#cloud-})" \
        "gcloud components install $component"
  done
else
  lacks 'gcloud, with the Firestore and Pub/Sub emulators (https://cloud.google.com/sdk/docs/install adds the package source)' \
    'sudo apt-get install google-cloud-cli google-cloud-cli-firestore-emulator google-cloud-cli-pubsub-emulator' \
    'brew install google-cloud-sdk && gcloud components install beta cloud-firestore-emulator pubsub-emulator'
fi

if ((${#missing[@]})); then
  printf 'This machine lacks:\n' >&2
  printf '%s\n' "${missing[@]}" >&2
  exit 1
fi
