import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";

const model = "text";

/** Refusals as the typed errors of OpenAI's client. */
export default function errors(server) {
    const client = server.client();
    const create = body => client.completions.create({ model, prompt: "Tom was a", max_tokens: 2, ...body });

    async function refused(promise, type, status) {
        const error = await promise.then(() => assert.fail("It was accepted."), one => one);
        assert.ok(error instanceof type, `${error?.constructor?.name}: ${error?.message}`);
        assert.equal(error.status, status);
        return error;
    }

    for (const [param, body] of [
        ["temperature", { temperature: -1 }],
        ["top_p", { top_p: 0 }],
        ["max_tokens", { max_tokens: -1 }],
        ["n", { n: 0 }],
        ["n", { n: 65 }],
        ["best_of", { n: 3, best_of: 2 }],
        ["best_of", { n: 1, best_of: 2, stream: true }],
        ["logprobs", { logprobs: 6 }],
        ["presence_penalty", { presence_penalty: 0.5 }],
        ["logit_bias", { logit_bias: { 1: 101 } }],
        ["stream_options", { stream_options: { include_usage: true } }],
        ["stop", { stop: Array(17).fill("x") }],
        ["prompt", { prompt: [] }],
        ["prompt", { prompt: [-1] }],
        ["echo", { suffix: " man.", echo: true, logprobs: 1 }],
    ]) {
        test(`BadRequestError names ${param} of ${JSON.stringify(body).slice(0, 60)}`, async () => {
            const error = await refused(create(body), OpenAI.BadRequestError, 400);
            assert.equal(error.param, param);
            assert.equal(error.type, "invalid_request_error");
            assert.match(error.message, new RegExp(`"${param}"`));
        });
    }

    test("BadRequestError has a code of its own for unknown fields and for texts that are too long", async () => {
        const unknown = await refused(create({ reasoning_effort: "low" }), OpenAI.BadRequestError, 400);
        assert.deepEqual([unknown.param, unknown.code], ["reasoning_effort", "unknown_field"]);
        const long = await refused(create({ prompt: "The dog ran. ".repeat(100) }), OpenAI.BadRequestError, 400);
        assert.deepEqual([long.param, long.code], ["prompt", "context_length_exceeded"]);
    });

    test("a stream that is refused is an error before its first event", async () => {
        const error = await refused(create({ stream: true, temperature: -1 }), OpenAI.BadRequestError, 400);
        assert.equal(error.param, "temperature");
    });

    test("NotFoundError for a model and for a path that are not there", async () => {
        const completion = await refused(create({ model: "gpt-3.5-turbo-instruct" }), OpenAI.NotFoundError, 404);
        assert.deepEqual([completion.param, completion.code], ["model", "model_not_found"]);
        assert.match(completion.message, /english-18m, text/);
        const model = await refused(client.models.retrieve("nothing"), OpenAI.NotFoundError, 404);
        assert.equal(model.code, "model_not_found");
        const chat = client.chat.completions.create({ model: "text", messages: [{ role: "user", content: "Hello" }] });
        assert.equal((await refused(chat, OpenAI.NotFoundError, 404)).code, "not_found");
    });
}
