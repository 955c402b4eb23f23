import assert from "node:assert/strict";
import { test } from "node:test";

const model = "text", seed = 5;

/** Streams of OpenAI's client: their pieces join to the answer without a stream. */
export default function streams(server) {
    const client = server.client();
    const whole = body => client.completions.create({ model, seed, ...body });

    async function streamed(body) {
        const parts = [];
        for await (const part of await client.completions.create({ model, seed, stream: true, ...body })) parts.push(part);
        return parts;
    }

    /** The texts of the choices by their index, and why each ended. */
    function joined(parts) {
        const texts = [], reasons = [];
        for (const choice of parts.flatMap(part => part.choices)) {
            assert.equal(reasons[choice.index] ?? null, null, "Nothing follows the last part of a choice.");
            texts[choice.index] = (texts[choice.index] ?? "") + choice.text;
            reasons[choice.index] = choice.finish_reason;
        }
        return { texts, reasons };
    }

    for (const [name, body, least] of [
        ["a continuation", { prompt: "Once upon a time", max_tokens: 12 }, 4],
        ["a gap before a suffix", { prompt: "The little dog ", suffix: " the garden.", max_tokens: 6 }, 1],
        ["gap markup", { prompt: "The <mask> dog ran <mask:3> the house and <mask:2>." }, 2],
        ["several texts of several prompts", { prompt: ["Tom was a", "The cat sat on"], max_tokens: 6, n: 2 }, 8],
        ["an echoed prompt", { prompt: "Tom was a", max_tokens: 4, echo: true }, 2],
        ["token ids", { prompt: [1, 20, 30, 40], max_tokens: 4 }, 2],
        ["log-probabilities", { prompt: "Tom was a", max_tokens: 4, logprobs: 2 }, 1],
    ]) {
        test(`${name}: the pieces join to the answer of the same seed`, async () => {
            const expected = await whole(body), parts = await streamed(body);
            const { texts, reasons } = joined(parts);
            assert.ok(parts.length >= least, `${parts.length} parts`);
            assert.deepEqual(texts, expected.choices.map(choice => choice.text));
            assert.deepEqual(reasons, expected.choices.map(choice => choice.finish_reason));
            const last = parts.flatMap(part => part.choices).filter(choice => choice.finish_reason !== null).sort((a, b) => a.index - b.index);
            assert.deepEqual(last.map(choice => choice.seed), expected.choices.map(choice => choice.seed));
            assert.deepEqual(last.map(choice => choice.gaps), expected.choices.map(choice => choice.gaps));
            assert.deepEqual(last.map(choice => choice.logprobs), expected.choices.map(choice => choice.logprobs));
            assert.deepEqual(parts.at(-1).usage, expected.usage);
            assert.equal(new Set(parts.map(part => part.id)).size, 1);
            assert.ok(parts.every(part => part.object === "text_completion" && part.model === model));
            assert.notDeepEqual(joined(await streamed({ ...body, seed: seed + 100 })).texts, texts, "The control: another seed has another text.");
        });
    }

    test("the usage is in the last event, in one of its own, or left out", async () => {
        const body = { prompt: "Tom was a", max_tokens: 3 }, { usage } = await whole(body);
        const byDefault = await streamed(body);
        assert.deepEqual(byDefault.map(part => part.usage), [...byDefault.slice(1).map(() => undefined), usage]);
        const included = await streamed({ ...body, stream_options: { include_usage: true } });
        assert.deepEqual(included.at(-1).choices, []);
        assert.deepEqual(included.map(part => part.usage), [...included.slice(1).map(() => null), usage]);
        const without = await streamed({ ...body, stream_options: { include_usage: false } });
        assert.ok(without.every(part => part.usage === undefined && part.choices.length === 1));
        assert.equal(included.length, without.length + 1);
    });

    test("a stop text ends a stream where it cuts the whole answer", async () => {
        const body = { prompt: "Once upon a time", max_tokens: 12 };
        const text = (await whole(body)).choices[0].text, stop = ` ${text.trim().split(" ")[4]}`;
        const cut = await whole({ ...body, stop }), parts = await streamed({ ...body, stop });
        assert.equal(cut.choices[0].text, text.slice(0, text.indexOf(stop)));
        assert.deepEqual(joined(parts), { texts: [cut.choices[0].text], reasons: ["stop"] });
        assert.deepEqual(parts.at(-1).usage, cut.usage);
    });
}
