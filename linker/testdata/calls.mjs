// Calls a core module in Node, with node:wasi, as stock_wazero_hosts_test.go describes: a
// job on stdin, a JSON list of texts on stdout.
import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";

const job = JSON.parse(readFileSync(0, "utf8"));
const module = await WebAssembly.compile(readFileSync(job.file));
const wasi = new WASI({ version: "preview1", args: ["main"], env: {} });
const imports = wasi.getImportObject();
for (const { module: m, name } of WebAssembly.Module.imports(module)) {
  // The handle of a resource is its representation: there is one holder.
  if (name.startsWith("[resource-")) (imports[m] ??= {})[name] = (x) => x;
}
const { exports } = await WebAssembly.instantiate(module, imports);
if (exports._initialize) wasi.initialize({ exports });
else wasi.initialize({ exports: { memory: exports.memory } });

const view = () => new DataView(exports.memory.buffer);
const text = (at) => {
  const [ptr, len] = [view().getUint32(at, true), view().getUint32(at + 4, true)];
  return JSON.stringify(new TextDecoder().decode(new Uint8Array(exports.memory.buffer, ptr, len)));
};
function lower(arg) {
  if (arg.number !== undefined) return [arg.number];
  const points = arg.points && Float64Array.from(arg.points);
  const bytes = points ? new Uint8Array(points.buffer) : new TextEncoder().encode(arg.text);
  const ptr = exports.cabi_realloc(0, 0, points ? 8 : 1, bytes.length);
  new Uint8Array(exports.memory.buffer).set(bytes, ptr);
  return [ptr, points ? points.length / 2 : bytes.length];
}
function lift(kind, v) {
  if (kind === "string") return text(v);
  if (kind === "result") return view().getUint8(v) ? `err(${text(v + 4)})` : `ok(${view().getInt32(v + 4, true)})`;
  return String(v);
}

const out = [];
let last;
for (const call of job.calls) {
  const name = job.prefix + call.func;
  const v = exports[name](...(call.held ? [last] : (call.args ?? []).flatMap(lower)));
  if (call.result === "handle") {
    last = v;
    out.push("");
    continue;
  }
  out.push(lift(call.result, v));
  exports["cabi_post_" + name]?.(v);
}
process.stdout.write(JSON.stringify(out));
