#!/bin/sh
# Compiles strings.wat. Needs wasm-tools 1.263.0 on the PATH.
set -eu
cd "$(dirname "$0")"
wasm-tools parse strings.wat -o strings.wasm
