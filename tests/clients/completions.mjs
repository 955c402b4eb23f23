import assert from "node:assert/strict";
import { test } from "node:test";

const model = "text", seed = 7;

/** Completions and models by OpenAI's client. */
export default function completions(server) {
    const client = server.client();
    const create = body => client.completions.create({ model, seed, ...body });
    const textOf = async body => (await create(body)).choices[0].text;

    test("a continuation has as many tokens as were asked for, and all fields of the answer", async () => {
        const answer = await create({ prompt: "The little dog", max_tokens: 5 });
        assert.match(answer.id, /^cmpl-/);
        assert.equal(answer.object, "text_completion");
        assert.equal(answer.model, model);
        assert.ok(Number.isInteger(answer.created) && answer.created > 1.7e9);
        assert.equal(answer.usage.completion_tokens, 5);
        assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + 5);
        assert.equal(answer.choices.length, 1);
        const [choice] = answer.choices;
        assert.equal(choice.index, 0);
        assert.equal(choice.finish_reason, "length");
        assert.equal(choice.logprobs, null);
        assert.ok(choice.text.length > 0 && !choice.text.includes("The little dog"));
    });

    test("max_tokens is 16 by default", async () => {
        assert.equal((await create({ prompt: "The little dog" })).usage.completion_tokens, 16);
    });

    test("the same seed repeats a text, another one does not; greedy decoding needs none", async () => {
        const body = { prompt: "Once upon a time", max_tokens: 8 };
        const first = await textOf(body);
        assert.equal(await textOf(body), first);
        assert.notEqual(await textOf({ ...body, seed: 8 }), first);
        const greedy = await textOf({ ...body, temperature: 0, seed: 1 });
        assert.equal(await textOf({ ...body, temperature: 0, seed: 2 }), greedy);
        assert.equal(await textOf({ ...body, top_p: 1e-9 }), greedy);
    });

    test("a suffix makes a gap of unknown length, and decides what fills it", async () => {
        const body = { model: "english-18m", prompt: "The little dog ", max_tokens: 6, temperature: 0 };
        const answer = await create({ ...body, suffix: " the garden." });
        const [choice] = answer.choices;
        assert.equal(choice.finish_reason, "stop");
        assert.ok(answer.usage.completion_tokens >= 1 && answer.usage.completion_tokens <= 6);
        assert.ok(!choice.text.startsWith(" ") && !choice.text.includes("garden"));
        assert.notEqual((await create({ ...body, suffix: " was very happy." })).choices[0].text, choice.text);
        assert.ok(answer.usage.prompt_tokens > (await create({ ...body, max_tokens: 1 })).usage.prompt_tokens, "The suffix is counted.");
    });

    test("gap markup is filled where it stands, without markup it is text", async () => {
        const prompt = "The <mask> dog ran <mask:2> the house.";
        const [choice] = (await create({ prompt })).choices;
        assert.equal(choice.finish_reason, "stop");
        assert.equal(choice.gaps.length, 2);
        assert.equal(choice.text, `The ${choice.gaps[0]} dog ran ${choice.gaps[1]} the house.`);
        const [plain] = (await create({ prompt, markup: false, max_tokens: 3, echo: true })).choices;
        assert.ok(plain.text.startsWith(prompt));
        assert.equal(plain.gaps, undefined);
    });

    test("n texts have the seeds after the first one; several prompts follow each other", async () => {
        const body = { prompt: "Tom was a", max_tokens: 4 };
        const choices = (await create({ ...body, n: 3 })).choices;
        assert.deepEqual(choices.map(choice => choice.index), [0, 1, 2]);
        assert.deepEqual(choices.map(choice => choice.seed), [seed, seed + 1, seed + 2]);
        for (const choice of choices) assert.equal(await textOf({ ...body, seed: choice.seed }), choice.text);
        const prompts = ["Tom was a", "The cat sat"];
        const both = (await create({ ...body, prompt: prompts, n: 2 })).choices;
        assert.deepEqual(both.map(choice => choice.index), [0, 1, 2, 3]);
        for (const choice of both) assert.equal(await textOf({ ...body, prompt: prompts[choice.index >> 1], seed: choice.seed }), choice.text);
    });

    test("best_of answers with the texts of the highest log-probability per token", async () => {
        const body = { prompt: "Tom was a", max_tokens: 4, logprobs: 0 };
        const all = (await create({ ...body, n: 6 })).choices;
        const quality = choice => choice.logprobs.token_logprobs.reduce((sum, value) => sum + value, 0) / choice.logprobs.token_logprobs.length;
        const expected = all.toSorted((a, b) => quality(b) - quality(a)).slice(0, 2).map(choice => choice.text);
        const answer = await create({ ...body, n: 2, best_of: 6 });
        assert.deepEqual(answer.choices.map(choice => choice.text), expected);
        assert.notDeepEqual(expected, all.slice(0, 2).map(choice => choice.text), "The control: the first two are not the best ones.");
        assert.equal(answer.usage.completion_tokens, 24);
    });

    test("stop cuts before the text that is complete first", async () => {
        const body = { prompt: "Once upon a time", max_tokens: 12 };
        const whole = await textOf(body), words = whole.trim().split(" ");
        const stop = ` ${words[3]}`, later = ` ${words[6]}`;
        const [choice] = (await create({ ...body, stop: [later, stop] })).choices;
        assert.equal(choice.text, whole.slice(0, whole.indexOf(stop)));
        assert.equal(choice.finish_reason, "stop");
        const [uncut] = (await create({ ...body, stop: "\u0001 nowhere" })).choices;
        assert.deepEqual([uncut.text, uncut.finish_reason], [whole, "length"]);
    });

    test("echo puts the prompt before the text", async () => {
        const body = { prompt: "Tom was a", max_tokens: 4 };
        assert.equal(await textOf({ ...body, echo: true }), body.prompt + await textOf(body));
    });

    test("token ids are the prompt whose tokens they are", async () => {
        const text = "The dog ran to the house.";
        const { answer } = await server.post("/v1/tokenize", { model, text, pieces: true });
        const ids = answer.pieces.map(piece => piece.id);
        const body = { max_tokens: 4, echo: true };
        const expected = await textOf({ ...body, prompt: text });
        assert.ok(expected.startsWith(text));
        assert.equal(await textOf({ ...body, prompt: ids }), expected);
        assert.equal(await textOf({ ...body, prompt: [ids] }), expected);
    });

    test("logit_bias forbids and forces tokens", async () => {
        const body = { prompt: "The dog ran to the", max_tokens: 1, temperature: 0 };
        const { answer } = await server.post("/v1/tokenize", { model, text: "The house", pieces: true });
        const house = answer.pieces.at(-1).id, free = await textOf(body);
        assert.notEqual(free, " house");
        assert.equal(await textOf({ ...body, logit_bias: { [house]: 100 } }), " house");
        assert.equal(await textOf({ ...body, logit_bias: { [house]: -100 } }), free);
    });

    test("fields that OpenAI's clients may send without effect are accepted", async () => {
        const body = { prompt: "Tom was a", max_tokens: 4 };
        assert.equal(await textOf({ ...body, user: "me", presence_penalty: 0, frequency_penalty: 0, suffix: null, logprobs: null, stop: null, n: null }), await textOf(body));
    });

    test("models are listed and retrieved, and a model of another name answers differently", async () => {
        const names = [];
        for await (const one of client.models.list()) names.push(one.id);
        assert.deepEqual(names.sort(), ["english-18m", "text"]);
        const one = await client.models.retrieve("text");
        assert.deepEqual([one.id, one.object, one.owned_by], ["text", "model", "asarm"]);
        const body = { prompt: "The little dog", max_tokens: 4 };
        assert.notEqual(await textOf({ ...body, model: "english-18m" }), await textOf(body));
        assert.equal(await textOf({ ...body, model: "" }), await textOf({ ...body, model: "english-18m" }), "The default model.");
    });
}
