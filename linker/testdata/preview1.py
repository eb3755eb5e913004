#!/usr/bin/env python3
"""Runs a preview 1 module in wasmtime, as a core module: preview1.py FILE N...
calls demo:app/run#run(N) on fresh instances and prints a JSON string each.
Needs the Python package wasmtime 50.0.1.
"""

import json
import struct
import sys

import wasmtime

engine = wasmtime.Engine()
module = wasmtime.Module.from_file(engine, sys.argv[1])
linker = wasmtime.Linker(engine)
linker.define_wasi()
for n in sys.argv[2:]:
    store = wasmtime.Store(engine)
    store.set_wasi(wasmtime.WasiConfig())
    exports = linker.instantiate(store, module).exports(store)
    if "_initialize" in exports:
        exports["_initialize"](store)
    name = next(e.name for e in module.exports if e.name.startswith("demo:app/run") and e.name.endswith("#run"))
    ret = exports[name](store, int(n))
    memory = exports["memory"]
    ptr, size = struct.unpack("<II", memory.read(store, ret, ret + 8))
    print(json.dumps(memory.read(store, ptr, ptr + size).decode(), ensure_ascii=False))
    if "cabi_post_" + name in exports:
        exports["cabi_post_" + name](store, ret)
