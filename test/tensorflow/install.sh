#!/usr/bin/env bash
# Installs the real @tensorflow/tfjs-node for tests, built against the libtensorflow of TensorFlow's Python wheel. For
# Linux machines where the addon's installer cannot download. Users run the command that `vae engines` shows.
# Needs python3 with pip, and a C++ compiler. Exit code 3: pip finds no wheel, nothing was changed.
set -euo pipefail
cd "$(dirname "$0")/../.."

VERSION=4.22.0
addon=node_modules/@tensorflow/tfjs-node
wheel=$(mktemp -d)
trap 'rm -rf "$wheel"' EXIT

if ! python3 -m pip download --quiet --no-deps --only-binary :all: --retries 0 --timeout 15 --dest "$wheel" \
  "tensorflow-cpu>=2.16,<3" 2>"$wheel/log"; then
  cat "$wheel/log" >&2
  grep -q "No matching distribution found" "$wheel/log" && exit 3
  exit 1
fi

npm install --no-save --save-prod --ignore-scripts --no-audit --no-fund "@tensorflow/tfjs-node@$VERSION"
python3 - "$wheel"/*.whl "$addon/deps" <<'PYTHON'
import sys, zipfile

libraries = {"tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2"}
with zipfile.ZipFile(sys.argv[1]) as wheel:
    headers = [name for name in wheel.namelist() if name.startswith("tensorflow/include/") and name.endswith(".h")]
    wheel.extractall(sys.argv[2], [*headers, *libraries])
PYTHON
cd "$addon/deps"
mkdir -p lib
mv tensorflow/*.so.2 lib
ln -sfn tensorflow/include include
ln -sf libtensorflow_cc.so.2 lib/libtensorflow.so
ln -sf libtensorflow_cc.so.2 lib/libtensorflow.so.2.9.1
ln -sf libtensorflow_framework.so.2 lib/libtensorflow_framework.so
cd ..
npm run --silent build-addon-from-source
