#!/usr/bin/env python3
"""Run compositions of generated pairs in wasmtime: a JSON list of jobs on
stdin, of answers on stdout.

A job is {"wasm": PATH, "guests": [NAME...], "trials": [TRIAL...]}; a trial is
{"fresh": BOOL, "stages": [{"fault": N, "pokes": [[N...]...]}...]}, one stage for
each guest, whose interface is called NAME. The trial sets up the guests and
calls raw of the first. The answer to a job is {"trials": [ANSWER...]}, or
{"error": TEXT} when the file does not compile; the answer to a trial is
{"trace": [TEXT...]} with what the host saw, and "trap": REASON or
"reports": [[LOW, HEAP]...], memory in hexadecimal.

Needs the Python package wasmtime 50.0.1.
"""

import json
import sys

import wasmtime
from wasmtime import component as C

HOST = "gen:host/api"


def engine():
    config = wasmtime.Config()
    config.wasm_multi_memory = True
    return wasmtime.Engine(config)


class Instance:
    def __init__(self, engine, code, host):
        self.trace = []
        linker = C.Linker(engine)
        if host:
            with linker.root() as root:
                with root.add_instance(HOST) as api:
                    api.add_resource("r", C.ResourceType.host(1), self.dropped)
                    api.add_func("make", lambda store, rep: C.ResourceHost.own(rep, 1).to_any(store))
                    api.add_func("value", self.value)
        self.store = wasmtime.Store(engine)
        self.instance = linker.instantiate(self.store, code)
        self.funcs = {}

    def dropped(self, store, rep):
        self.trace.append("drop %d" % rep)

    def value(self, store, handle):
        rep = handle.to_host(store).rep if isinstance(handle, C.ResourceAny) else handle.rep
        self.trace.append("value %d" % rep)
        return rep

    def call(self, interface, name, *args):
        key = interface, name
        if key not in self.funcs:
            i = self.instance.get_export_index(self.store, interface)
            self.funcs[key] = self.instance.get_func(self.store, self.instance.get_export_index(self.store, name, i))
        return self.funcs[key](self.store, *args)


def trial(instance, guests, t):
    for guest, stage in zip(guests, t["stages"]):
        instance.call(guest, "stage", stage["fault"])
        for args in stage["pokes"]:
            instance.call(guest, "poke", *args)
    instance.trace = []
    try:
        instance.call(guests[0], "raw")
    except (wasmtime.Trap, wasmtime.WasmtimeError) as e:
        return {"trap": str(e).strip().split("\n")[-1], "trace": instance.trace}
    trace = instance.trace
    reports = [[bytes(part).hex() for part in elements(instance.call(g, "report"))] for g in guests]
    return {"reports": reports, "trace": trace}


def elements(t):
    return t if isinstance(t, (tuple, list)) else [getattr(t, str(i)) for i in range(2)]


def run(e, job):
    with open(job["wasm"], "rb") as f:
        wasm = f.read()
    try:
        code = C.Component(e, wasm)
    except wasmtime.WasmtimeError as err:
        return {"error": str(err)}
    host = HOST.encode() in wasm
    instance, out = None, []
    for t in job["trials"]:
        if t["fresh"]:
            instance = Instance(e, code, host)
        out.append(trial(instance, job["guests"], t))
    return {"trials": out}


e = engine()
json.dump([run(e, job) for job in json.load(sys.stdin)], sys.stdout)
