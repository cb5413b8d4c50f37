#!/usr/bin/env bash
# Runs after npm test in npm run test:all: slow tests, and tests that need other programs or the system.
set -euo pipefail
cd "$(dirname "$0")/.."

npx vitest run --project system

# Kills trainings at random moments and resumes them, on the two engines that run everywhere.
crash_alone() {
  node test/reliability/crash.js 15 compiled
  node test/reliability/crash.js 4 wasm
}

# Kills one of two processes, with both implementations of MPI. Open MPI refuses root without these variables.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
crash_together() {
  for mpirun in mpirun.openmpi mpirun.mpich; do
    if command -v $mpirun; then
      node test/reliability/crash.js 15 compiled $RANDOM $mpirun -n 2
    else
      echo "!!! $mpirun is not installed: SEVERAL PROCESSES WERE NOT TESTED with it" >&2
    fi
  done
}
set -m # makes the background job a process group, which can be ended together with its children
crash_alone &
alone=$!
set +m
trap 'kill -- -$alone 2>/dev/null || true' EXIT
crash_together
wait $alone
trap - EXIT

# Tests engine tensorflow with the real library, if pip finds it.
remove() { npm uninstall --silent --no-save --ignore-scripts @tensorflow/tfjs-node; }
test -e node_modules/@tensorflow/tfjs-node || trap remove EXIT
code=0
test/tensorflow/install.sh || code=$?
case $code in
  0) npm run --silent test:tensorflow ;;
  3) echo "!!! pip finds no TensorFlow here: ENGINE tensorflow WAS NOT TESTED" >&2 ;;
  *) exit $code ;;
esac
