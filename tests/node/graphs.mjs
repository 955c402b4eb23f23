// Runs both graphs of a model folder (docs/model-format.md) on a recorded case, and compares their logits with the recorded ones.
const NOT_THERE = 1n << 40n; // a rank past every horizon
const LANES = 16;

/** The recorded case with the most tokens, as plain arrays: numbers for integers. */
export function longestCase(tensors) {
    const cases = Object.keys(tensors).filter(name => name.endsWith(".input_ids")).map(name => name.split(".")[0]);
    const longest = cases.reduce((best, name) => (tensors[`${name}.input_ids`].data.length > tensors[`${best}.input_ids`].data.length ? name : best));
    const read = name => Array.from(tensors[`${longest}.${name}`].data, Number);
    const [inputIds, order, promptMask, targets, horizons] = ["input_ids", "order", "prompt_mask", "target_positions", "target_horizons"].map(read);
    return { name: longest, inputIds, order, promptMask, targets, horizons, logits: tensors[`${longest}.logits`].data };
}

/** Logits of model.onnx: the whole sequence in one call. */
export async function runStateless(ort, session, recorded) {
    const feeds = integers(ort, {
        input_ids: recorded.inputIds, order: recorded.order, prompt_mask: recorded.promptMask,
        target_positions: recorded.targets, target_horizons: recorded.horizons,
    });
    return (await session.run(feeds, ["logits"])).logits.data;
}

/** Logits of model_cached.onnx: given tokens in one call, committed ones in the next, which reads the given ones from the cache. */
export async function runCached(ort, session, recorded, sizes) {
    const length = LANES * Math.ceil(recorded.inputIds.length / LANES);
    const ranks = new Array(length).fill(NOT_THERE);
    let cache = {};
    for (let layer = 0; layer < sizes.layers; layer++)
        for (const kind of ["key", "value"]) {
            const shape = [1, sizes.heads, length, sizes.headSize];
            cache[`past_key_values.${layer}.${kind}`] = new ort.Tensor("float32", new Float32Array(shape.reduce((a, b) => a * b)), shape);
        }

    async function call(positions, horizonOf, targets, horizons) {
        for (const position of positions) ranks[position] = recorded.order[position]; // before the call, with the ranks of its own rows
        const feeds = integers(ort, {
            input_ids: positions.map(position => recorded.inputIds[position]), content_positions: positions,
            content_horizons: positions.map(horizonOf), target_positions: targets, target_horizons: horizons, past_ranks: ranks,
        });
        const outputs = await session.run({ ...feeds, ...cache });
        cache = Object.fromEntries(Object.keys(cache).map(name => [name, outputs[name.replace("past_key_values", "present")]]));
        return outputs.logits.data;
    }

    const all = recorded.inputIds.map((_, position) => position);
    const given = all.filter(position => recorded.promptMask[position]);
    const end = Math.max(...recorded.horizons);
    const committed = all.filter(position => !recorded.promptMask[position] && recorded.order[position] < end);
    if (!committed.length) return call(given, () => given.length, recorded.targets, recorded.horizons);
    await call(given, () => given.length, [committed[0]], [given.length]);
    return call(committed, position => recorded.order[position] + 1, recorded.targets, recorded.horizons);
}

/** The largest difference; not a number where one of the values is none. */
export function difference(found, expected) {
    if (found.length !== expected.length) throw new Error(`${found.length} logits, ${expected.length} were recorded`);
    return found.reduce((worst, value, place) => Math.max(worst, Math.abs(value - expected[place])), 0);
}

function integers(ort, arrays) {
    return Object.fromEntries(Object.entries(arrays).map(([name, values]) => [name, new ort.Tensor("int64", BigInt64Array.from(values, BigInt), [1, values.length])]));
}
