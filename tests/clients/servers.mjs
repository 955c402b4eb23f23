// Starts `asarm serve` of the built command on a free port: ASARM (the command), ROOT (the repository).
import { spawn } from "node:child_process";
import { join } from "node:path";
import OpenAI from "openai";

const { ASARM, ROOT } = process.env;

/** Model folders: the default model, and a small network with random weights, up to 128 tokens, whose texts need no sense. */
export const ENGLISH = `english-18m=${join(ROOT, "models/english-18m")}`;
export const TEXT = `text=${join(ROOT, "tests/golden/text")}`;

/** Starts a server with models and settings (environment variables without their prefix) and waits until it is ready. */
export async function start(models, settings = {}) {
    const env = { ...process.env, ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [`ASARM_SERVER__${name}`, String(value)])) };
    const process_ = spawn(ASARM, ["serve", "--port", "0", ...models.flatMap(model => ["--model", model])], { stdio: ["ignore", "pipe", "pipe"], env });
    let told = "";
    const address = await new Promise((resolve, reject) => {
        const read = chunk => {
            told += chunk;
            const found = /listening on (http:\/\/[^\s,]+)/.exec(told);
            if (found) resolve(found[1]);
        };
        process_.stdout.on("data", read);
        process_.stderr.on("data", read);
        process_.on("exit", code => reject(new Error(`asarm serve ended with ${code}: ${told}`)));
    });
    while (!(await fetch(`${address}/health`)).ok) await new Promise(resolve => setTimeout(resolve, 50));
    return {
        address,
        greeting: told.split("\n")[0],
        /** OpenAI's client without its own retries. */
        client: (options = {}) => new OpenAI({ baseURL: `${address}/v1`, apiKey: "none", maxRetries: 0, ...options }),
        /** Status and JSON of a request without OpenAI's client. */
        async post(path, body, headers = {}) {
            const response = await fetch(address + path, { method: "POST", headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) });
            const text = await response.text();
            return { status: response.status, text, answer: parsed(text) };
        },
        stop: () => new Promise(resolve => {
            process_.on("exit", resolve);
            process_.kill("SIGTERM");
        }),
    };
}

function parsed(text) {
    try {
        return JSON.parse(text);
    } catch {
        return null; // lines or events
    }
}

/** The data of the events of an answer, without the last one, "[DONE]". */
export function events(text) {
    const data = text.split("\n\n").filter(part => part).map(part => part.replace(/^data: /, ""));
    return data.map(one => (one === "[DONE]" ? one : JSON.parse(one)));
}
