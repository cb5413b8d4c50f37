#!/usr/bin/env bash
# The rest of npm run test:all, after npm test: what takes longer, and what needs other programs or the system.
set -euo pipefail
cd "$(dirname "$0")/.."

npx vitest run --project system

# Killed at random moments and resumed, on the two engines that are everywhere.
node test/reliability/crash.js 15 compiled
node test/reliability/crash.js 8 wasm

# Engine tensorflow, with the real library, where pip finds it.
test -e node_modules/@tensorflow/tfjs-node || trap 'npm uninstall --silent --no-save --ignore-scripts @tensorflow/tfjs-node' EXIT
code=0
test/tensorflow/install.sh || code=$?
case $code in
  0) npm run --silent test:tensorflow ;;
  3) echo "!!! pip finds no TensorFlow here: ENGINE tensorflow WAS NOT TESTED" >&2 ;;
  *) exit $code ;;
esac
