// Clients of other servers against `asarm serve`: OpenAI's for Node.js, requests as editors and Ollama's clients send them, the examples of docs/server.md.
// Run by .ci/clients with ASARM (the built command) and ROOT (the repository) in the environment.
import { after, describe } from "node:test";
import completions from "./completions.mjs";
import documentation from "./documentation.mjs";
import editors from "./editors.mjs";
import errors from "./errors.mjs";
import limits from "./limits.mjs";
import logprobs from "./logprobs.mjs";
import { ENGLISH, start, TEXT } from "./servers.mjs";
import streams from "./streams.mjs";

const server = await start([ENGLISH, TEXT]);
after(() => server.stop());

describe("completions", () => completions(server));
describe("streams", () => streams(server));
describe("log-probabilities", () => logprobs(server));
describe("errors", () => errors(server));
describe("keys and limits", () => limits());
describe("editors", () => editors(server));
describe("examples of docs/server.md", () => documentation(server));
