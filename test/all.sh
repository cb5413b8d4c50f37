#!/usr/bin/env bash
# The rest of npm run test:all, after npm test: what takes longer, and what needs other programs or the system.
set -euo pipefail
cd "$(dirname "$0")/.."

npx vitest run --project system

# Killed at random moments and resumed, on the two engines that are everywhere.
node test/reliability/crash.js 15 compiled
node test/reliability/crash.js 4 wasm

# One of two processes killed, by both implementations of MPI. Root must say that it means it.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
for mpirun in mpirun.openmpi mpirun.mpich; do
  if command -v $mpirun; then
    node test/reliability/crash.js 15 compiled $RANDOM $mpirun -n 2
  else
    echo "!!! there is no $mpirun here: SEVERAL PROCESSES WERE NOT TESTED with it" >&2
  fi
done

# Engine tensorflow, with the real library, where pip finds it.
test -e node_modules/@tensorflow/tfjs-node || trap 'npm uninstall --silent --no-save --ignore-scripts @tensorflow/tfjs-node' EXIT
code=0
test/tensorflow/install.sh || code=$?
case $code in
  0) npm run --silent test:tensorflow ;;
  3) echo "!!! pip finds no TensorFlow here: ENGINE tensorflow WAS NOT TESTED" >&2 ;;
  *) exit $code ;;
esac
