#!/usr/bin/env bash
# Creates bench/.venv, the Python environment of the peers that npm run bench measures. Tries a local index first.
set -euo pipefail
cd "$(dirname "$0")"

packages=(torch==2.13.0 jax optax tensorflow-cpu numpy)
python3 -m venv .venv
# shellcheck disable=SC2086 # the rest may be several addresses
read -r first rest <<<"$(python3 -m pip config get global.extra-index-url 2>/dev/null || true)"
if [ -n "$first" ]; then
  index=(--index-url "$first" ${rest:+--extra-index-url $rest})
  .venv/bin/pip install --quiet --retries 0 --timeout 3 "${index[@]}" "${packages[@]}" ||
    .venv/bin/pip install --quiet --retries 1 --timeout 15 "${packages[@]}"
else
  .venv/bin/pip install --quiet --retries 1 --timeout 15 "${packages[@]}"
fi
