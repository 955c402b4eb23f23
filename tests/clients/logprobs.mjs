import assert from "node:assert/strict";
import { test } from "node:test";

const model = "text", seed = 3, tolerance = 1e-4; // of float32 on another path

/** Log-probabilities and scores by OpenAI's client. */
export default function logprobs(server) {
    const client = server.client();
    const choiceOf = async body => (await client.completions.create({ model, seed, ...body })).choices[0];
    const sum = values => values.reduce((total, value) => total + value, 0);

    /** The four arrays are aligned: each token stands at its offset, in code points, and its number is that of top_logprobs. */
    function requireAligned(choice, top) {
        const { tokens, token_logprobs, top_logprobs, text_offset } = choice.logprobs, points = [...choice.text];
        assert.deepEqual([token_logprobs.length, text_offset.length], [tokens.length, tokens.length]);
        for (const [i, token] of tokens.entries()) {
            assert.equal(points.slice(text_offset[i], text_offset[i] + [...token].length).join(""), token);
            assert.ok(token_logprobs[i] <= 0);
        }
        if (top === 0) return assert.equal(top_logprobs, null);
        assert.equal(top_logprobs.length, tokens.length);
        for (const [i, alternatives] of top_logprobs.entries()) {
            const values = Object.values(alternatives);
            assert.ok(values.length >= 1 && values.length <= top + 1);
            assert.equal(alternatives[tokens[i]], token_logprobs[i]);
            assert.ok(sum(values.map(Math.exp)) <= 1 + 1e-6);
        }
    }

    for (const top of [0, 1, 5]) {
        test(`logprobs ${top}: tokens, log-probabilities and offsets are aligned`, async () => {
            const choice = await choiceOf({ prompt: "Once there was a", max_tokens: 6, logprobs: top });
            assert.equal(choice.logprobs.tokens.join(""), choice.text);
            assert.equal(choice.logprobs.text_offset[0], 0);
            requireAligned(choice, top);
            requireAligned(await choiceOf({ prompt: "The old man ", suffix: " in the house.", max_tokens: 3, logprobs: top }), top);
            const gaps = await choiceOf({ prompt: "The \u{1F600} <mask:2> in the <mask>.", logprobs: top });
            requireAligned(gaps, top);
            assert.equal(gaps.logprobs.tokens.length, 3);
            assert.equal(gaps.logprobs.text_offset[0], [..."The \u{1F600} "].length, "The emoji is one code point.");
        });
    }

    test("log-probabilities are of the distribution that is sampled", async () => {
        const body = { prompt: "Tom was a ", max_tokens: 1, logprobs: 5 };
        const plain = await choiceOf({ ...body, temperature: 0 });
        const [[first, p], [second, q]] = Object.entries(plain.logprobs.top_logprobs[0]).sort((a, b) => b[1] - a[1]);
        assert.equal(plain.text, first);
        const halved = await choiceOf({ ...body, temperature: 0.5, top_k: 2 });
        const expected = Math.log(1 / (1 + Math.exp(2 * (q - p)))); // the two alone, with their logits doubled
        assert.ok(Math.abs(halved.logprobs.top_logprobs[0][first] - expected) < tolerance);
        assert.ok(Math.abs(p - expected) > 0.1, "The control: without temperature and top-k it is another number.");
        assert.deepEqual(Object.keys(halved.logprobs.top_logprobs[0]).sort(), [first, second].sort());
    });

    test("echo with max_tokens 0 scores a text: the conditionals add up, and sliced ones are those of the continuation", async () => {
        const context = "The dog ran to the", continuation = " house and slept.";
        const score = async text => (await server.post("/v1/score", { model, text: `[[${text}]]` })).answer.log_prob;
        const choice = await choiceOf({ prompt: context + continuation, max_tokens: 0, echo: true, logprobs: 1 });
        assert.equal(choice.text, context + continuation);
        requireAligned(choice, 1);
        const { token_logprobs, text_offset } = choice.logprobs;
        assert.ok(Math.abs(sum(token_logprobs) - await score(context + continuation)) < tolerance);
        const cut = text_offset.findIndex(offset => offset >= context.length);
        const sliced = sum(token_logprobs.slice(cut));
        assert.ok(Math.abs(sliced - (await score(context + continuation) - await score(context))) < tolerance);
        assert.ok(Math.abs(sum(token_logprobs) - sliced) > 1, "The control: the context has a log-probability too.");
    });

    test("echo with one token more has the same scores, as harnesses ask for it", async () => {
        const body = { prompt: "The dog ran to the house.", echo: true, logprobs: 1, temperature: 0 };
        const none = await choiceOf({ ...body, max_tokens: 0 }), one = await choiceOf({ ...body, max_tokens: 1 });
        requireAligned(one, 1);
        assert.deepEqual(one.logprobs.token_logprobs.slice(0, -1), none.logprobs.token_logprobs);
        assert.deepEqual(one.logprobs.tokens.slice(0, -1), none.logprobs.tokens);
    });

    test("token ids of several texts are scored, one choice each", async () => {
        const texts = ["The dog ran home.", "Tom was a man."];
        const pieces = await Promise.all(texts.map(async text => (await server.post("/v1/tokenize", { model, text, pieces: true })).answer.pieces));
        const answer = await client.completions.create({ model, prompt: pieces.map(one => one.map(piece => piece.id)), max_tokens: 0, echo: true, logprobs: 1 });
        assert.deepEqual(answer.choices.map(choice => choice.text), texts);
        for (const [i, choice] of answer.choices.entries()) {
            assert.equal(choice.logprobs.tokens.length, pieces[i].length);
            assert.deepEqual(choice.logprobs, (await choiceOf({ prompt: texts[i], max_tokens: 0, echo: true, logprobs: 1 })).logprobs);
        }
    });
}
