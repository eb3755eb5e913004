// Runs a preview 1 module in node:wasi: node preview1.mjs FILE N... calls
// demo:app/run#run(N) on fresh instances and prints a JSON string each.
import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";

const [file, ...numbers] = process.argv.slice(2);
const module = await WebAssembly.compile(readFileSync(file));
for (const n of numbers) {
  const wasi = new WASI({ version: "preview1", args: ["main"], env: {} });
  const { exports } = await WebAssembly.instantiate(module, wasi.getImportObject());
  if (exports._initialize) wasi.initialize({ exports });
  else wasi.initialize({ exports: { memory: exports.memory } });
  const name = Object.keys(exports).find((e) => e.startsWith("demo:app/run") && e.endsWith("#run"));
  const ret = exports[name](Number(n));
  const [ptr, len] = new Uint32Array(exports.memory.buffer, ret, 2);
  console.log(JSON.stringify(new TextDecoder().decode(new Uint8Array(exports.memory.buffer, ptr, len))));
  exports["cabi_post_" + name]?.(ret);
}
