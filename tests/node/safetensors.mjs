// Reads safetensors files: eight bytes with the length of a header in JSON, the header, the data.
import { readFile } from "node:fs/promises";

const ARRAYS = { F32: Float32Array, I64: BigInt64Array };

/** Tensors by name: { shape, data }, data a typed array. */
export async function readSafetensors(path) {
    const file = await readFile(path);
    const begin = 8 + Number(file.readBigUInt64LE(0));
    const { __metadata__: _, ...header } = JSON.parse(file.toString("utf8", 8, begin));
    return Object.fromEntries(Object.entries(header).map(([name, { dtype, shape, data_offsets: [from, to] }]) => {
        if (!(dtype in ARRAYS)) throw new Error(`${path}: ${name} has the type ${dtype}`);
        const bytes = Uint8Array.from(file.subarray(begin + from, begin + to)); // a copy, aligned for every type
        return [name, { shape, data: new ARRAYS[dtype](bytes.buffer) }];
    }));
}
