#!/usr/bin/env python3
"""Make calls in wasmtime: a JSON list of jobs on stdin, of answers on stdout.

A job is {"wasm": PATH, "calls": [CALL...]}; a call in WAVE runs on a fresh
instance, `a(); b()` are several on one. PATH is a component, which may import
the test host of boundary_test.go, or a core module that imports nothing. The answer to a job is {"results": [TEXT...]} with a
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


def add_host(linker):
    """Adds host:res/things, with its own count of what was dropped, and host:res/texts."""
    drops = 0

    def dropped(store, rep):
        nonlocal drops
        drops += 1

    def own(store, n):
        return C.ResourceHost.own(n, 1).to_any(store)

    def rep(store, handle):
        return handle.to_host(store).rep if isinstance(handle, C.ResourceAny) else handle.rep

    def total(store, handles):
        return sum(rep(store, h) for h in handles)

    def pick(store, c):  # its cases are told apart by their Python types
        if c is None or isinstance(c, int):
            return c or 0
        return rep(store, c[1] if isinstance(c, tuple) else c)

    def spill(store, s):
        both = rep(store, s.lent) + rep(store, s.given)
        return own(store, both), both + sum(getattr(s, "n%d" % i) for i in range(16))

    with linker.root() as root:
        with root.add_instance("host:res/things") as host:
            host.add_resource("thing", C.ResourceType.host(1), dropped)
            host.add_func("make", own)
            host.add_func("value", rep)
            host.add_func("take", rep)
            host.add_func("sum", total)
            host.add_func("both", lambda store, a, b: 100 * total(store, a) + total(store, b))
            host.add_func("eat", total)
            host.add_func("many", lambda store, n: [own(store, i + 1) for i in range(n)])
            host.add_func("try", lambda store, n: n if n % 2 else own(store, n))
            host.add_func("pick", pick)
            host.add_func("spill", spill)
            host.add_func("drops", lambda store: drops)
        with root.add_instance("host:res/texts") as host:
            host.add_func("join", lambda store, l: ",".join(l))
            host.add_func("twice", lambda store, n: [n, n])
            host.add_func("wide", lambda store, w: [w.s, w.l[0], w.l[1], str(sum(getattr(w, "n%d" % i) for i in range(15)))])


class Component:
    def __init__(self, wasm):
        self.engine = engine()
        self.code = C.Component(self.engine, wasm)

    def instantiate(self):
        self.held = {}
        linker = C.Linker(self.engine)
        linker.add_wasip2()
        add_host(linker)
        store = wasmtime.Store(self.engine)
        store.set_wasi(wasmtime.WasiConfig())
        return store, linker.instantiate(store, self.code)

    def handle(self, store, text):
        """An argument that boundary_test.go describes."""
        if text[0] == "[":
            return [self.handle(store, t) for t in text[1:-1].split(", ")]
        if text[0] == "*":
            return C.ResourceHost.own(int(text[1:]), 1).to_any(store)
        if text[0] in "@&":
            name, _, index = text[1:].partition(".")
            return self.held[name][int(index)] if index else self.held[name]
        return json.loads(text) if text[0] == '"' else int(text)

    def call(self, made, name, arguments):
        store, instance = made
        keep, _, name = name.rpartition(" = ")
        text = arguments[1:-1]
        handles = re.search("[@&*]", text)
        if handles:
            values = [self.handle(store, text)] if text[0] == "[" else [self.handle(store, t) for t in text.split(", ")]
        if handles and name == "drop":
            values[0].drop(store)
            return ""
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
        if not handles:
            values = record.Parser(arguments).arguments([t for _, t in ty.params])
        result = f(store, *values)
        if keep:
            self.held[keep] = result
            return ""
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
