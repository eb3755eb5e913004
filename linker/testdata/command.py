#!/usr/bin/env python3
"""Runs a command in wasmtime: command.py FILE ARG... with the arguments, the
first of which is the program's name, and with MODE of the environment. FILE is
a preview 1 module or a component. The streams and the exit code are the
program's. Needs the Python package wasmtime 50.0.1.
"""

import os
import sys

import wasmtime
from wasmtime import component as C


def main():
    with open(sys.argv[1], "rb") as f:
        wasm = f.read()
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    wasi = wasmtime.WasiConfig()
    wasi.argv = sys.argv[2:]
    wasi.env = [("MODE", os.environ["MODE"])] if "MODE" in os.environ else []
    wasi.inherit_stdout()
    wasi.inherit_stderr()
    store.set_wasi(wasi)
    try:
        if wasm[6] == 1:
            linker = C.Linker(engine)
            linker.add_wasip2()
            component = C.Component(engine, wasm)
            instance = linker.instantiate(store, component)
            name = next(e for e in component.type.exports(engine) if e.startswith("wasi:cli/run@"))
            run = instance.get_export_index(store, "run", instance.get_export_index(store, name))
            instance.get_func(store, run)(store)
        else:
            linker = wasmtime.Linker(engine)
            linker.define_wasi()
            linker.instantiate(store, wasmtime.Module(engine, wasm)).exports(store)["_start"](store)
    except wasmtime.ExitTrap as e:
        sys.exit(e.code)


main()
