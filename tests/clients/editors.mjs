import assert from "node:assert/strict";
import { test } from "node:test";
import { events } from "./servers.mjs";

const model = "text";
const before = "The old man went to the house.\nThe dog ran to the ", after = " and slept.\nThen it was happy.\n";

/** Requests with the fields that editors' extensions and clients of Ollama send. */
export default function editors(server) {
    /** The filling of the same gap by OpenAI's interface. */
    async function completion(body) {
        const { status, answer } = await server.post("/v1/completions", { model, suffix: after, ...body });
        assert.equal(status, 200, JSON.stringify(answer));
        return answer.choices[0].text;
    }

    async function answer(path, body) {
        const { status, answer, text } = await server.post(path, body);
        assert.equal(status, 200, text);
        return answer;
    }

    /** What llama.vscode and llama.vim have in common. */
    const fim = {
        input_extra: [{ text: "Tom was a man.", filename: "a.txt", time: [1, 2] }],
        top_k: 40,
        stream: false,
        samplers: ["top_k", "top_p", "infill"],
        cache_prompt: true,
        t_max_prompt_ms: 500,
    };
    const [prefix, line] = [before.slice(0, before.indexOf("\n") + 1), before.slice(before.indexOf("\n") + 1)];

    test("llama.vscode: a completion at the cursor", async () => {
        const body = { ...fim, input_prefix: prefix, input_suffix: after, prompt: line, n_predict: 6, top_p: 0.99, n_indent: 4, t_max_predict_ms: 1000, model, seed: 9 };
        const filled = await answer("/infill", body);
        assert.equal(filled.content, await completion({ prompt: before, max_tokens: 6, top_k: 40, top_p: 0.99, seed: 9 }));
        assert.notEqual(filled.content, (await answer("/infill", { ...body, seed: 10 })).content, "The control: another seed.");
        assert.equal(filled.truncated, false);
        for (const name of ["prompt_n", "predicted_n", "predicted_ms", "predicted_per_second"]) assert.equal(typeof filled.timings[name], "number", name);
    });

    test("llama.vscode: context is sent ahead, nothing is generated", async () => {
        const body = { input_prefix: "", input_suffix: "", input_extra: fim.input_extra, prompt: "", n_predict: 0, samplers: [], cache_prompt: true, t_max_prompt_ms: 500, t_max_predict_ms: 1 };
        const empty = await answer("/infill", body);
        assert.deepEqual([empty.content, empty.tokens_predicted], ["", 0]);
    });

    test("llama.vscode with OpenAI's interface and no model: a prompt alone, at temperature 0.1", async () => {
        const body = { model: "", prompt: before, max_tokens: 6, temperature: 0.1, top_p: 0.99, stream: false };
        const { choices, usage, model } = await answer("/v1/completions", body);
        assert.deepEqual([choices[0].finish_reason, usage.completion_tokens, model], ["length", 6, "english-18m"]);
    });

    test("llama.vim: the fields of the answer that it wants, at the root", async () => {
        const wanted = ["prompt_n", "prompt_ms", "prompt_per_token_ms", "prompt_per_second", "predicted_n", "predicted_ms", "predicted_per_token_ms", "predicted_per_second"].map(name => `timings/${name}`);
        const body = {
            ...fim, input_prefix: prefix, input_suffix: after, prompt: line, n_predict: 6, stop: [], n_indent: 0, top_p: 0.9, t_max_predict_ms: 250,
            response_fields: ["content", ...wanted, "truncated", "tokens_cached"], model, seed: 9,
        };
        const filled = await answer("/infill", body), { response_fields, ...rest } = body;
        assert.equal(filled.content, await completion({ prompt: before, max_tokens: 6, top_k: 40, top_p: 0.9, seed: 9 }));
        const all = await answer("/infill", rest);
        assert.ok(all.timings.predicted_n > 0);
        assert.equal(filled["timings/predicted_n"], all.timings.predicted_n);
        assert.equal(filled["timings/prompt_n"], all.timings.prompt_n);
        assert.ok(Object.keys(filled).every(name => response_fields.includes(name)), Object.keys(filled).join());
        assert.deepEqual(Object.keys(filled).filter(name => !name.includes("/")), ["content", "truncated", "tokens_cached"]);
    });

    test("llama.vim: context is sent ahead, and no field of the answer is wanted", async () => {
        const body = {
            input_prefix: "", input_suffix: "", input_extra: fim.input_extra, prompt: "", n_predict: 0, temperature: 0.0, stream: false, samplers: [], cache_prompt: true,
            t_max_prompt_ms: 1, t_max_predict_ms: 1, response_fields: [""],
        };
        assert.deepEqual(await answer("/infill", body), {});
    });

    test("minuet-ai: a stream of OpenAI's interface with a suffix", async () => {
        const body = { model, stream: true, prompt: before, suffix: after, max_tokens: 6, top_p: 0.9, stop: ["\n\n"] };
        const parts = events((await server.post("/v1/completions", { ...body, seed: 4 }, { Accept: "application/json" })).text);
        assert.equal(parts.pop(), "[DONE]");
        assert.equal(parts.map(part => part.choices[0].text).join(""), await completion({ prompt: before, max_tokens: 6, top_p: 0.9, seed: 4 }));
    });

    test("twinny: streams with and without OpenAI's interface", async () => {
        const parts = events((await server.post("/v1/completions", { model, prompt: before, stream: true, temperature: 0.2, max_tokens: 5, stop: ["\n\n", "<|end|>"], seed: 2 })).text);
        assert.equal(parts.at(-2).usage.completion_tokens, 5);
        const lines = await ollama({ model, prompt: before, stream: true, keep_alive: -1, options: { temperature: 0.2, num_predict: 5, stop: ["\n\n", "<|end|>"], seed: 2 } });
        assert.equal(lines.map(one => one.response).join(""), parts.slice(0, -1).map(part => part.choices[0].text).join(""));
    });

    /** The lines of a stream of /api/generate. */
    async function ollama(body) {
        const { status, text } = await server.post("/api/generate", body);
        assert.equal(status, 200, text);
        const lines = text.trim().split("\n").map(one => JSON.parse(one));
        assert.deepEqual(lines.map(one => one.done), [...lines.slice(1).map(() => false), true]);
        return lines;
    }

    test("Continue: a gap before a suffix, as lines", async () => {
        const options = { temperature: 0.01, top_p: 0.9, top_k: 40, num_predict: 6, stop: ["\n\n"], num_ctx: 8096, mirostat: 0, num_thread: 4, use_mmap: true, min_p: 0, num_gpu: -1, seed: 6 };
        const lines = await ollama({ model, prompt: before, suffix: after, raw: true, options, keep_alive: 1800, stream: true });
        assert.equal(lines.map(one => one.response).join(""), await completion({ prompt: before, max_tokens: 6, temperature: 0.01, top_p: 0.9, top_k: 40, seed: 6 }));
        assert.equal(lines.at(-1).done_reason, "stop");
    });

    test("llm-ls and Zed: one answer", async () => {
        const llm = await answer("/api/generate", { prompt: before, model, stream: false, options: { num_predict: 5, temperature: 0, top_p: 0.95, stop: ["<|endoftext|>"] } });
        assert.deepEqual([llm.done, llm.done_reason, llm.eval_count], [true, "length", 5]);
        const zed = await answer("/api/generate", {
            model: `${model}:latest`, prompt: before, suffix: after, raw: false, stream: false, keep_alive: "5m", context: null, options: { num_predict: 6, temperature: 0, top_p: 0.95, stop: null },
        });
        assert.equal(zed.response, await completion({ prompt: before, max_tokens: 6, temperature: 0 }));
    });

    test("Ollama's own client: options that switch off what there is not, and those that would change the text are refused by name", async () => {
        const off = {
            tfs_z: 1, typical_p: 1.0, min_p: 0.0, repeat_last_n: 64, repeat_penalty: 1.0, presence_penalty: 0, frequency_penalty: 0.0, mirostat: 0, mirostat_tau: 5, mirostat_eta: 0.1,
            penalize_newline: true, numa: false, num_batch: 512, main_gpu: 0, low_vram: false, f16_kv: true, logits_all: false, vocab_only: false, use_mlock: false, embedding_only: false, num_keep: 4,
        };
        const body = { model, prompt: before, stream: false, system: "", template: "", format: "", images: [], think: false, logprobs: false, top_logprobs: 0 }, options = { num_predict: 5, seed: 8 };
        const plain = await answer("/api/generate", { model, prompt: before, stream: false, options });
        assert.equal((await answer("/api/generate", { ...body, options: { ...options, ...off } })).response, plain.response);
        for (const [name, value] of [["repeat_penalty", 1.1], ["min_p", 0.05], ["mirostat", 2], ["typical_p", 0.9], ["presence_penalty", 1], ["tfs_z", 2]]) {
            const refused = await server.post("/api/generate", { ...body, options: { ...options, [name]: value } });
            assert.equal(refused.status, 400);
            assert.match(refused.answer.error, new RegExp(`"options.${name}"`));
        }
        for (const [name, value] of [["min_p", 0.05], ["repeat_penalty", 1.1], ["lora", [{ id: 0, scale: 0.5 }]], ["grammar", "root ::= x"]]) {
            const refused = await server.post("/infill", { input_prefix: before, [name]: value });
            assert.deepEqual([refused.status, refused.answer.error.param], [400, name]);
        }
    });

    test("Ollama's own client: a request without a prompt loads the model", async () => {
        const loaded = await answer("/api/generate", { model, keep_alive: "10m", stream: false });
        assert.deepEqual([loaded.response, loaded.done, loaded.done_reason], ["", true, "load"]);
    });
}
