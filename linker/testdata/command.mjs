// Runs a command in node:wasi: node command.mjs FILE ARG... with the arguments,
// the first of which is the program's name, and with MODE of the environment.
// The streams and the exit code are the program's.
import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";

const [file, ...args] = process.argv.slice(2);
const env = process.env.MODE === undefined ? {} : { MODE: process.env.MODE };
const wasi = new WASI({ version: "preview1", args, env, returnOnExit: true });
const { instance } = await WebAssembly.instantiate(readFileSync(file), wasi.getImportObject());
process.exitCode = wasi.start(instance);
