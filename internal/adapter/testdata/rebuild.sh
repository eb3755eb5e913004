#!/bin/sh
# Compiles the components. Needs wasm-tools 1.263.0 on the PATH.
set -eu
cd "$(dirname "$0")"
for f in *.wat; do
  wasm-tools parse "$f" -o "${f%.wat}.wasm"
done
