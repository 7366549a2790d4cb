#!/usr/bin/env bash
# Runs the program as which it is linked, gcloud for example, on the fake Google Cloud at port $FAKE_GOOGLE.
#
# It is not in Python, which takes far longer to start than the fake to answer: a script runs up to 100 of these.
set -euo pipefail

stdin=
for word; do
  if [[ $word == - || $word == --data-file=- ]]; then
    IFS= read -r -d '' stdin || true # there is no NUL: it reads all, and fails
  fi
done

exec 3<>"/dev/tcp/127.0.0.1/$FAKE_GOOGLE"
printf '%s\0' "$stdin" "${0##*/}" "$@" $'\4' >&3
read -r status stream <&3
cat <&3 >&"$stream"
exit "$status"
