#!/usr/bin/env python3
"""Time loops in wasmtime: a JSON object on stdin, times on stdout.

{"runs": N, "rows": [[LOOP...]...]}; a loop is {"path": FILE, "setup":
[[NAME, ARG...]...], "call": [NAME, ARG...]}. The last argument of a call, which
is left out, is how often its loop turns. The loops of a row take turns. The
answer is the least nanoseconds of one turn, by row and loop, of processor time:
what else the machine does is not in it.

Needs the Python package wasmtime 50.
"""

import json
import sys
import time

import wasmtime
from wasmtime import component

engine = wasmtime.Engine()
programs = {}


def load(path):
    """The function that finds exports of a component or core module."""
    if path in programs:
        return programs[path]
    with open(path, "rb") as f:
        wasm = f.read()
    store = wasmtime.Store(engine)
    if wasm[6] == 1:
        instance = component.Linker(engine).instantiate(store, component.Component(engine, wasm))

        def find(name):
            f = instance.get_func(store, instance.get_export_index(store, name))
            return lambda *args: f(store, *args)
    else:
        exports = wasmtime.Instance(store, wasmtime.Module(engine, wasm), []).exports(store)

        def find(name):
            f = exports[name]
            return lambda *args: f(store, *args)
    programs[path] = find
    return find


def once(f, args, turns):
    began = time.thread_time_ns()
    f(*args, turns)
    return time.thread_time_ns() - began


def measure(row, runs, target=5_000_000):
    loops, times = [], []
    for loop in row:
        find = load(loop["path"])
        for name, *args in loop["setup"] or []:
            find(name)(*args)
        name, *args = loop["call"]
        f, turns = find(name), 1
        while (took := once(f, args, turns)) < target:
            turns *= 2 if took < target / 10 else 1.2 * target / took
            turns = int(turns) + 1
        loops.append((f, args, turns))
        times.append([])
    for _ in range(runs):
        for i, (f, args, turns) in enumerate(loops):
            times[i].append(once(f, args, turns) / turns)
    return [min(t) for t in times]


job = json.load(sys.stdin)
json.dump([measure(row, job["runs"]) for row in job["rows"]], sys.stdout)
