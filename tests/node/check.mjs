// node check.mjs FOLDER [node|web]: both graphs of a float32 model folder against its recorded logits. Ends with 1 where one is off by more than 1e-4.
//
// node: onnxruntime-node, the CPU build. web: onnxruntime-web's WebAssembly, as in browsers but in Node.js; its files come as bytes, as a page would fetch them.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { difference, longestCase, runCached, runStateless } from "./graphs.mjs";
import { readSafetensors } from "./safetensors.mjs";

const TOLERANCE = 1e-4, DATA = "model.onnx_data";
const [folder, build = "node"] = process.argv.slice(2);
if (!folder || !["node", "web"].includes(build)) {
    console.error("check.mjs FOLDER [node|web]");
    process.exit(2);
}

const description = JSON.parse(await readFile(join(folder, "asarm.json"), "utf8"));
if (description.format_version !== 3 || description.precision !== "float32") throw new Error(`${folder} is no float32 folder of format 3`);
const sizes = { layers: description.layers, heads: description.heads, headSize: description.model_dimension / description.heads };
const recorded = longestCase(await readSafetensors(join(folder, "golden.safetensors")));
const ort = await import(`onnxruntime-${build}`);

async function open(file) {
    if (build === "node") return ort.InferenceSession.create(join(folder, file));
    ort.env.wasm.numThreads = 1;
    return ort.InferenceSession.create(await readFile(join(folder, file)), {
        executionProviders: ["wasm"], externalData: [{ path: DATA, data: await readFile(join(folder, DATA)) }],
    });
}

let failed = 0;
for (const [file, run] of [["model.onnx", runStateless], ["model_cached.onnx", runCached]]) {
    const worst = difference(await run(ort, await open(file), recorded, sizes), recorded.logits);
    const good = worst <= TOLERANCE;
    failed += good ? 0 : 1;
    console.log(`onnxruntime-${build} ${file}: case ${recorded.name}, ${recorded.inputIds.length} tokens, ${recorded.logits.length} logits, `
        + `${worst.toExponential(2)} off at most${good ? "" : `: more than ${TOLERANCE}`}`);
}
process.exit(failed ? 1 : 0);
