#!/usr/bin/env python3
"""Make calls in wasmtime: a JSON list of jobs on stdin, of answers on stdout.

A job is {"wasm": PATH, "calls": [CALL...]}; a call in WAVE runs on a fresh
instance, `a(); b()` are several on one. PATH is a component, or a core module
that imports nothing. The answer to a job is {"results": [TEXT...]} with a
result in WAVE, "trap: REASON", or "" for none, joined by "; " like the calls;
or {"error": TEXT} when the file does not compile.

Needs the Python package wasmtime 50.0.1, and fixtures/record.py for WAVE.
"""

import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "fixtures"))
sys.dont_write_bytecode = True

import wasmtime
from wasmtime import component as C

import record


def engine():
    config = wasmtime.Config()
    config.wasm_multi_memory = True
    config.wasm_exceptions = True
    return wasmtime.Engine(config)


class Component:
    def __init__(self, wasm):
        self.engine = engine()
        self.code = C.Component(self.engine, wasm)
        self.linker = C.Linker(self.engine)
        self.linker.add_wasip2()

    def instantiate(self):
        store = wasmtime.Store(self.engine)
        store.set_wasi(wasmtime.WasiConfig())
        return store, self.linker.instantiate(store, self.code)

    def call(self, made, name, arguments):
        store, instance = made
        interface, _, function = name.rpartition("#")
        index = None
        if interface:
            index = instance.get_export_index(store, interface)
            if index is None:
                raise KeyError(interface)
        index = instance.get_export_index(store, function, index)
        if index is None:
            raise KeyError(name)
        f = instance.get_func(store, index)
        ty = f.type(store)
        values = record.Parser(arguments).arguments([t for _, t in ty.params])
        result = f(store, *values)
        return "" if ty.result is None else record.write(ty.result, result)


class Module:
    def __init__(self, wasm):
        self.engine = engine()
        self.code = wasmtime.Module(self.engine, wasm)

    def instantiate(self):
        store = wasmtime.Store(self.engine)
        return store, wasmtime.Instance(store, self.code, [])

    def call(self, made, name, arguments):
        store, instance = made
        f = instance.exports(store)[name]
        ty = f.type(store)
        values = record.Parser(arguments).arguments([str(t) for t in ty.params])
        result = f(store, *values)
        if result is None:
            return ""
        if isinstance(result, float):
            return record.float_text(result, str(ty.results[0]) == "f32")
        return str(result)


def answer(program, calls):
    """Several calls on one instance; every call after a trap traps, too."""
    made, out = None, []
    for text in calls.split("; "):
        m = re.fullmatch(r"([^()]+)(\(.*\))", text)
        try:
            if made is None:
                made = program.instantiate()
            out.append(program.call(made, m[1], m[2]))
        except (wasmtime.Trap, wasmtime.WasmtimeError) as trap:
            out.append("trap: " + record.reason(trap))
    return "; ".join(out)


def run(job):
    with open(job["wasm"], "rb") as f:
        wasm = f.read()
    try:
        program = (Component if wasm[6] == 1 else Module)(wasm)
    except wasmtime.WasmtimeError as e:
        return {"error": str(e)}
    return {"results": [answer(program, c) for c in job["calls"]]}


json.dump([run(job) for job in json.load(sys.stdin)], sys.stdout)
