// Runs a WebAssembly program under node: `node wasi.mjs PROGRAM.wasm ARGUMENT…`, for wasm32-wasip1 with the current folder as
// its own, for wasm32-unknown-unknown by its main function alone.
import { readFile } from 'node:fs/promises';
import { WASI } from 'node:wasi';

const [program, ...args] = process.argv.slice(2);
const module = await WebAssembly.compile(await readFile(program));
if (WebAssembly.Module.imports(module).length === 0) {
    const { exports } = await WebAssembly.instantiate(module);
    process.exitCode = exports.main(0, 0);
} else {
    const wasi = new WASI({
        version: 'preview1',
        args: [program, ...args],
        env: process.env,
        preopens: { '/': process.cwd() },
        returnOnExit: true,
    });
    process.exitCode = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
}
