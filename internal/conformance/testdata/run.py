"""Runs commands of converted .wast files in wasmtime.

Standard input: [{name, commands: [{type, line, name, instance, module, action, expected, path, why}]}].
Standard output: {name: [{line, status, why}]}, status being right, wrong or not run."""
import json, math, re, struct, sys

import wasmtime
from wasmtime import component as wc


class NotRun(Exception):
    pass


class Wrong(Exception):
    pass


config = wasmtime.Config()
for feature in ('wasm_component_model', 'wasm_component_model_implements', 'wasm_component_model_map', 'wasm_multi_memory', 'wasm_memory64',
                'wasm_exceptions', 'wasm_function_references', 'wasm_gc', 'wasm_tail_call', 'wasm_threads', 'wasm_reference_types',
                'wasm_bulk_memory', 'wasm_simd', 'wasm_custom_page_sizes'):
    try:
        setattr(config, feature, True)
    except Exception as e:
        print('no', feature, e, file=sys.stderr)
config.memory_reservation = 1 << 20
config.memory_guard_size = 0
config.memory_reservation_for_growth = 1 << 20
engine = wasmtime.Engine(config)

SIMPLE_MODULE = '(module (global (export "g") i32 (i32.const 100)) (func (export "f") (result i32) i32.const 101))'


class Host:
    """The test host of wasmtime's runner; see ../shared/conformance/README.md."""

    def __init__(self):
        self.drops, self.last = 0, 0

    def linker(self):
        linker = wc.Linker(engine)

        def dtor(store, rep):
            self.drops, self.last = self.drops + 1, rep

        def rep_of(store, handle):
            return handle.to_host(store).rep if isinstance(handle, wc.ResourceAny) else handle.rep

        def expect(store, handle, rep):
            if rep_of(store, handle) != rep:
                raise Exception('resource %d, want %d' % (rep_of(store, handle), rep))

        def nothing(store, *args):
            for a in args:  # what the host is given, it takes out of the table
                rep_of(store, a)

        one, two = wc.ResourceType.host(1), wc.ResourceType.host(2)
        with linker.root() as root:
            root.add_func('host-echo-u32', lambda store, v: v)
            root.add_func('host-return-two', lambda store: 2)
            with root.add_instance('host') as host:
                host.add_func('return-three', lambda store: 3)
                host.add_func('return-hi', lambda store: 'hi')
                with host.add_instance('nested') as nested:
                    nested.add_func('return-four', lambda store: 4)
                host.add_module('simple-module', wasmtime.Module(engine, SIMPLE_MODULE))
                host.add_resource('resource1', one, dtor)
                host.add_resource('resource2', two, lambda store, rep: None)
                host.add_resource('resource1-again', one, lambda store, rep: None)
                host.add_func('[constructor]resource1', lambda store, rep: wc.ResourceHost.own(rep, 1).to_any(store))
                host.add_func('[static]resource1.assert', expect)
                host.add_func('[static]resource1.last-drop', lambda store: self.last)
                host.add_func('[static]resource1.drops', lambda store: self.drops)
                host.add_func('[method]resource1.simple', expect)
                host.add_func('[method]resource1.take-borrow', nothing)
                host.add_func('[method]resource1.take-own', nothing)
        return linker


def to_python(v, t):
    """A JSON value of component type t as the wasmtime package wants it."""
    if isinstance(t, (wc.F32, wc.F64)):
        s = v['value']
        if s.startswith('nan:'):
            return math.nan
        bits = int(s) & (0xffffffff if isinstance(t, wc.F32) else (1 << 64) - 1)
        return struct.unpack('<f', struct.pack('<I', bits))[0] if isinstance(t, wc.F32) else struct.unpack('<d', struct.pack('<Q', bits))[0]
    if isinstance(t, wc.Bool):
        return v['value'] in ('true', True)
    if isinstance(t, (wc.S8, wc.S16, wc.S32, wc.S64, wc.U8, wc.U16, wc.U32, wc.U64)):
        return int(v['value'])
    if isinstance(t, wc.ListType):
        items = [to_python(x, t.element) for x in v['value']]
        return bytes(items) if isinstance(t.element, wc.U8) else items
    if isinstance(t, wc.TupleType):
        return tuple(to_python(x, e) for x, e in zip(v['value'], t.elements))
    if isinstance(t, wc.RecordType):
        r = wc.Record()
        for (name, x), (_, ft) in zip(v['value'], t.fields):
            setattr(r, name, to_python(x, ft))
        return r
    if isinstance(t, wc.FlagsType):
        return set(v['value'])
    if isinstance(t, wc.EnumType):
        return v['value']
    if isinstance(t, wc.OptionType):
        case, payload = ('none', None) if v['value'] is None else ('some', v['value'])
    elif isinstance(t, wc.ResultType):
        (case, payload), = v['value'].items()
        case = case.lower()
    elif isinstance(t, wc.VariantType):
        case, payload = v['value']['case'], v['value'].get('payload')
    else:
        return v['value']
    for name, ct in t._cases():
        if name == case:
            payload = None if ct is None else to_python(payload, ct)
            return wc.Variant(name, payload) if t._tagged() else payload
    raise Wrong('no case %s' % case)


def same(a, b):
    if isinstance(a, float):
        return isinstance(b, float) and (a == b and math.copysign(1, a) == math.copysign(1, b) or a != a and b != b)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    return a == b


class Script:
    def __init__(self):
        self.definitions, self.instances, self.last = {}, {}, None
        self.host = Host()

    def compile(self, c):
        if not c.get('path'):
            raise NotRun(c.get('why', 'no binary'))
        with open(c['path'], 'rb') as f:
            data = f.read()
        try:
            return wc.Component(engine, data)
        except wasmtime.WasmtimeError as e:
            raise NotRun('wasmtime does not compile it: ' + reason(e))

    def instantiate(self, component):
        if isinstance(component, NotRun):
            raise component
        store = wasmtime.Store(engine)
        return store, self.host.linker().instantiate(store, component)

    def make(self, name, component):
        self.last = None
        try:
            try:
                self.last = self.instantiate(component())
            except NotRun:
                raise
            except wasmtime.Trap:
                raise
            except Exception as e:
                raise NotRun('wasmtime does not instantiate it: ' + reason(e))
        except NotRun as e:
            self.last = e
            raise
        finally:
            self.instances[name] = self.last

    def act(self, c):
        inst = self.instances.get(c['action']['module']) if c['action'].get('module') else self.last
        if isinstance(inst, NotRun):
            raise inst
        if inst is None:
            raise NotRun('its component failed')
        store, instance = inst
        func = instance.get_func(store, c['action']['field'])
        if func is None:
            raise Wrong('no function %s' % c['action']['field'])
        t = func.type(store)
        args = [to_python(v, pt) for v, (_, pt) in zip(c['action']['args'], t.params)]
        result = func(store, *args)
        return result, t.result

    def run(self, c):
        kind = c['type']
        if kind == 'module':
            self.make(c.get('name', ''), lambda: self.compile(c))
        elif kind == 'module_definition':
            try:
                self.definitions[c.get('name', '')] = self.compile(c)
            except NotRun as e:
                self.definitions[c.get('name', '')] = e
                raise
        elif kind == 'module_instance':
            self.make(c.get('instance', ''), lambda: self.definitions[c['module']])
        elif kind in ('assert_return', 'action'):
            result, t = self.act(c)
            if c.get('expected'):
                want = to_python(c['expected'][0], t)
                if not same(result, want):
                    raise Wrong('returned %r, want %r' % (result, want))
        elif kind in ('assert_trap', 'assert_uninstantiable'):
            try:
                if kind == 'assert_trap':
                    got = self.act(c)[0]
                else:
                    got = self.instantiate(self.compile(c))
            except (wasmtime.Trap, wasmtime.WasmtimeError):
                return
            raise Wrong('returned %r, want a trap (%s)' % (got, c.get('text')))
        else:
            raise Wrong('unknown command')


def reason(e):
    lines = [l.strip() for l in str(e).splitlines() if l.strip()]
    # Backtraces and pleas for bug reports tell nothing about the case.
    lines = [re.sub(r'^[0-9]+: *', '', l) for l in lines]
    lines = [l for l in lines if not re.match(r'error while executing|0x[0-9a-f]+ |location:|version:|Caused by:', l)]
    return ': '.join(lines[:1] if lines and lines[0].startswith('BUG') else lines[:3])


def main():
    out = {}
    for job in json.load(sys.stdin):
        script, results = Script(), []
        for c in job['commands'] or []:
            status, why = 'right', ''
            try:
                script.run(c)
            except NotRun as e:
                status, why = 'not run', str(e)
            except Exception as e:
                status, why = 'wrong', '%s: %s' % (type(e).__name__, reason(e))
            results.append(dict(line=c['line'], status=status, why=why))
        out[job['name']] = results
    json.dump(out, sys.stdout)


main()
