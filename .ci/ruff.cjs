// Lints Python files by ruff's WebAssembly build: ruff.cjs FOLDER-OF-NODE_MODULES SETTINGS.json FILE...; 1 where it finds something.
const { readFileSync } = require("fs");
const { Workspace, PositionEncoding } = require(`${process.argv[2]}/@astral-sh/ruff-wasm-nodejs`);

const workspace = new Workspace(JSON.parse(readFileSync(process.argv[3], "utf8")), PositionEncoding.Utf32);
let found = 0;
for (const file of process.argv.slice(4)) {
    for (const { code, message, start_location: start } of workspace.check(readFileSync(file, "utf8"))) {
        console.log(`${file}:${start.row}:${start.column}: ${code ?? "syntax"} ${message}`);
        found++;
    }
}
process.exit(found ? 1 : 0);
