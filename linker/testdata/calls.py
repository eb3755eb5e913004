#!/usr/bin/env python3
"""Calls a core module in wasmtime, with preview 1, as stock_wazero_hosts_test.go describes:
a job on stdin, a JSON list of texts on stdout. The modules of "with" are
instantiated first, under their names. Needs the Python package wasmtime 50.0.1.
"""

import json
import struct
import sys

import wasmtime


def main():
    job = json.load(sys.stdin)
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    store.set_wasi(wasmtime.WasiConfig())
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    for name, file in job.get("with", {}).items():
        linker.define_instance(store, name, linker.instantiate(store, wasmtime.Module.from_file(engine, file)))
    module = wasmtime.Module.from_file(engine, job["file"])
    # The handle of a resource is its representation: there is one holder.
    i32 = wasmtime.ValType.i32()
    for imp in module.imports:
        if imp.name.startswith("[resource-new]") or imp.name.startswith("[resource-rep]"):
            linker.define_func(imp.module, imp.name, wasmtime.FuncType([i32], [i32]), lambda rep: rep)
        elif imp.name.startswith("[resource-drop]"):
            linker.define_func(imp.module, imp.name, wasmtime.FuncType([i32], []), lambda handle: None)
    exports = linker.instantiate(store, module).exports(store)
    if "_initialize" in exports:
        exports["_initialize"](store)
    memory = exports["memory"]

    def read(at, size):
        return bytes(memory.read(store, at, at + size))

    def text(at):
        ptr, size = struct.unpack("<II", read(at, 8))
        return json.dumps(read(ptr, size).decode(), ensure_ascii=False)

    def lower(arg):
        if "number" in arg:
            return [arg["number"]]
        if "text" in arg:
            b, align = arg["text"].encode(), 1
        else:
            b, align = struct.pack("<%dd" % len(arg["points"]), *arg["points"]), 8
        ptr = exports["cabi_realloc"](store, 0, 0, align, len(b))
        memory.write(store, b, ptr)
        return [ptr, len(b) if "text" in arg else len(b) // 16]

    def lift(kind, v):
        if kind == "string":
            return text(v)
        if kind == "result":
            if read(v, 1) == b"\0":
                return "ok(%d)" % struct.unpack("<i", read(v + 4, 4))
            return "err(%s)" % text(v + 4)
        return repr(v).removesuffix(".0")

    out, last = [], None
    for call in job["calls"]:
        name = job["prefix"] + call["func"]
        args = [last] if call.get("held") else [v for a in call["args"] or [] for v in lower(a)]
        v = exports[name](store, *args)
        if call["result"] == "handle":
            last = v
            out.append("")
            continue
        out.append(lift(call["result"], v))
        if "cabi_post_" + name in exports:
            exports["cabi_post_" + name](store, v)
    json.dump(out, sys.stdout)


main()
