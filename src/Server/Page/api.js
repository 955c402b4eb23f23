/** Calls of the server: its public API and nothing else. */

export class ApiError extends Error {
    constructor(message, status) {
        super(message);
        this.status = status;
    }
}

let key = "";
export const useKey = value => { key = value; };

async function request(path, body, signal) {
    const headers = key ? { Authorization: `Bearer ${key}` } : {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    let answer;
    try {
        answer = await fetch(path, { method: body === undefined ? "GET" : "POST", headers, body: body === undefined ? undefined : JSON.stringify(body), signal });
    } catch (error) {
        if (error.name === "AbortError") throw error;
        throw new ApiError("The server does not answer. Is it still running?", 0);
    }
    if (!answer.ok) {
        const found = await answer.json().catch(() => null);
        throw new ApiError(found?.error?.message ?? `The server answered ${answer.status}.`, answer.status);
    }
    return answer;
}

export const get = async path => (await request(path)).json();
export const post = async (path, body, signal) => (await request(path, body, signal)).json();

/** The objects of an answer of server-sent events or JSON lines, as they come. */
export async function* stream(path, body, signal) {
    const answer = await request(path, body, signal);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
        const { value, done } = await reader.read();
        rest += value ?? "";
        const lines = rest.split("\n");
        rest = done ? "" : lines.pop();
        for (const line of lines) {
            const data = line.startsWith("data:") ? line.slice(5).trim() : line.trim();
            if (data === "" || data === "[DONE]" || line.startsWith("event:") || line.startsWith(":")) continue;
            const found = JSON.parse(data);
            if (found.error) throw new ApiError(found.error.message ?? found.error, 200);
            yield found;
        }
        if (done) return;
    }
}
