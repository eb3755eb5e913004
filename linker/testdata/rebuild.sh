#!/bin/sh
# Compiles the .wat of the folders below to the .wasm next to it.
# Needs wasm-tools 1.263.0 on the PATH.
set -eu
cd "$(dirname "$0")"
for wat in run/*.wat abi/*.wat refuse/*.wat windows/*.wat host/*.wat shake/*.wat mismatch/*.wat boundary/*.wat embed/*.wat; do
  wasm-tools parse "$wat" -o "${wat%.wat}.wasm"
done
