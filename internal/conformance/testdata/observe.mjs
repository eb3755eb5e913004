// Runs the exports of core modules and prints what they give, to compare the
// modules by: node observe.mjs A.wasm B.wasm … prints a JSON array of texts.
// Imports are stand-ins; functions note that they are called.
import { readFileSync } from "node:fs";

function* globals() {
  for (const value of ["i32", "i64", "f32", "f64"]) {
    for (const mutable of [false, true]) {
      yield new WebAssembly.Global({ value, mutable }, value === "i64" ? 1n : 1);
    }
  }
}

function standIns(kind) {
  switch (kind) {
    case "table":
      return [[10, 10], [10], [1]].map(([initial, maximum]) => new WebAssembly.Table({ element: "anyfunc", initial, maximum }));
    case "memory":
      return [[256, 256], [256], [1]].map(([initial, maximum]) => new WebAssembly.Memory({ initial, maximum }));
    case "global":
      return [...globals()];
    case "tag":
      return [["i32"], [], ["i64"]].map((parameters) => new WebAssembly.Tag({ parameters }));
  }
}

function instantiate(module, log) {
  const imports = WebAssembly.Module.imports(module);
  const others = imports.filter((i) => i.kind !== "function");
  const object = {};
  for (const i of imports) {
    object[i.module] ??= {};
    if (i.kind === "function") object[i.module][i.name] = (...args) => void log.push(`${i.module}.${i.name}(${args})`);
  }
  // The API does not tell types: the first combination that fits. What trapped
  // fits, too.
  let last;
  const attempt = (k) => {
    if (k === others.length) {
      try {
        return new WebAssembly.Instance(module, object);
      } catch (e) {
        if (!(e instanceof WebAssembly.LinkError)) throw e;
        last = e;
        return null;
      }
    }
    for (const v of standIns(others[k].kind)) {
      object[others[k].module][others[k].name] = v;
      const instance = attempt(k + 1);
      if (instance) return instance;
    }
    return null;
  };
  const instance = attempt(0);
  if (!instance) throw last;
  return instance;
}

function observe(path) {
  const log = [];
  try {
    const { exports } = instantiate(new WebAssembly.Module(readFileSync(path)), log);
    for (const name of Object.keys(exports).sort()) {
      const x = exports[name];
      if (typeof x !== "function") {
        log.push(`${name}: ${x instanceof WebAssembly.Global ? String(x.value) : x.constructor.name}`);
        continue;
      }
      for (const arg of [0, 1]) {
        try {
          log.push(`${name}: ${x(...Array(x.length).fill(arg))}`);
        } catch (e) {
          log.push(`${name}: ${e instanceof WebAssembly.RuntimeError ? "trap" : e.name}`);
        }
      }
    }
  } catch (e) {
    log.push(e instanceof WebAssembly.RuntimeError ? "no instance: trap" : `no instance: ${e.name}: ${e.message}`);
  }
  return log.join("\n");
}

console.log(JSON.stringify(process.argv.slice(2).map(observe)));
