import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import OpenAI from "openai";
import { ENGLISH, start } from "./servers.mjs";

const key = "a-key-of-the-tests", model = "english-18m";

/** Keys, and a server that answers one request of a client at a time. */
export default function limits() {
    let server, client;
    const short = { model, prompt: "Tom was a", max_tokens: 2 };

    before(async () => {
        server = await start([ENGLISH], { ApiKeys__0: key, MaxRequestsPerClient: 1, RequestTimeoutSeconds: 3600, MaxTokens: 500, MaxSamples: 64 });
        client = server.client({ apiKey: key });
    });
    after(() => server?.stop());

    test("AuthenticationError without the right key", async () => {
        for (const apiKey of ["another-key-of-the-tests", key.slice(0, -1), `${key}x`]) {
            for (const ask of [one => one.completions.create(short), one => one.completions.create({ ...short, stream: true }), one => one.models.list()]) {
                const error = await ask(server.client({ apiKey })).then(() => assert.fail("It was accepted."), one => one);
                assert.ok(error instanceof OpenAI.AuthenticationError, error.constructor.name);
                assert.equal(error.status, 401);
            }
        }

        assert.equal((await client.completions.create(short)).usage.completion_tokens, 2, "The control: with the key it is answered.");
        assert.equal((await client.models.list()).data.length, 1);
    });

    /** A request under way: its headers and half of its body are there, and the server, which asks for the rest with "100 Continue", waits for it. */
    async function halfARequest() {
        const body = JSON.stringify(short);
        const sent = request(`${server.address}/v1/completions`, {
            method: "POST",
            headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", Expect: "100-continue", "Transfer-Encoding": "chunked" },
        });
        const answered = new Promise((resolve, reject) => sent.on("response", response => response.resume().on("end", () => resolve(response.statusCode))).on("error", reject));
        const continued = new Promise(resolve => sent.on("continue", resolve));
        sent.flushHeaders();
        await continued;
        sent.write(body.slice(0, 10));
        const space = setInterval(() => sent.write(" ".repeat(256)), 100); // the server gives up a body that comes too slowly
        return async () => {
            clearInterval(space);
            sent.end(body.slice(10));
            return await answered;
        };
    }

    test("RateLimitError while another request of the client is under way", async () => {
        const finish = await halfARequest();
        const error = await client.completions.create(short).then(() => assert.fail("It was accepted."), one => one);
        assert.ok(error instanceof OpenAI.RateLimitError, error.constructor.name);
        assert.equal(error.code, "too_many_requests");
        assert.equal(error.headers.get("retry-after"), "1");
        assert.equal((await client.models.list()).data.length, 1, "What generates nothing is not limited.");
        assert.equal(await finish(), 200);
        assert.equal((await client.completions.create(short)).choices.length, 1);
    });

    // The stream has 64 texts of 450 tokens, which take far longer than this test may: where it is not cancelled, this test does not end in time.
    test("a stream that is aborted frees its place", { timeout: 30_000 }, async () => {
        const long = { model, prompt: "Once upon a time", max_tokens: 450, n: 64, stream: true, stream_options: { include_usage: true } };
        for (const leave of [stream => stream.controller.abort(), null]) {
            const stream = await client.completions.create(long);
            let parts = 0;
            for await (const part of stream) {
                assert.equal(part.choices.length, 1);
                if (++parts > 1) break; // which aborts it as well
                await assert.rejects(client.completions.create(short), OpenAI.RateLimitError, "The control: while it runs, the place is taken.");
                leave?.(stream);
            }

            assert.ok(stream.controller.signal.aborted);
            await answeredWhenFree();
        }
    });

    /** Closing a connection takes effect after a moment, so that the first answers may still be 429. */
    async function answeredWhenFree() {
        for (;;) {
            try {
                return await client.completions.create(short);
            } catch (error) {
                if (!(error instanceof OpenAI.RateLimitError)) throw error;
                await new Promise(resolve => setTimeout(resolve, 20));
            }
        }
    }
}
