import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile), here = dirname(fileURLToPath(import.meta.url));
const { ROOT, PYTHON = "/usr/bin/python3" } = process.env;
const page = await readFile(join(ROOT, "docs/server.md"), "utf8");
const shown = "http://127.0.0.1:8080";

/** The blocks of code of a language in the section "Clients". */
function blocks(language) {
    const section = page.split("\n## Clients\n")[1].split("\n## ")[0];
    return [...section.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "gs"))].map(block => block[1]);
}

/** Runs the examples as they are printed, but for the address. */
export default function documentation(server) {
    const client = server.client();
    let folder, gap, continuation;

    before(async () => {
        folder = await mkdtemp(join(tmpdir(), "asarm-examples-"));
        const model = "english-18m", seed = 1;
        gap = (await client.completions.create({ model, seed, prompt: "The little dog ", suffix: " the garden.", max_tokens: 6 })).choices[0].text;
        continuation = (await client.completions.create({ model, seed, prompt: "Once upon a time", max_tokens: 20 })).choices[0].text;
    });
    after(() => rm(folder, { recursive: true }));

    /** The only example of a language, or one of several, with the server's address. */
    function example(language, index = 0, count = 1) {
        const found = blocks(language);
        assert.equal(found.length, count, `examples of ${language}`);
        assert.ok(found[index].includes(shown));
        return found[index].replaceAll(shown, server.address);
    }

    test("the server says where it listens, as the page shows it", () => {
        const [, greeting] = /\$ asarm serve --port 8080\n(.*)\n/.exec(page);
        assert.equal(server.greeting, greeting.replace(shown, server.address));
    });

    test("curl", async () => {
        const { stdout } = await run("bash", ["-ec", example("sh")]);
        assert.equal(JSON.parse(stdout).choices[0].text, gap);
    });

    for (const [name, index] of [["Python with openai", 0], ["Python without packages", 1]]) {
        test(name, async t => {
            const isThere = await run(PYTHON, ["-c", "import openai"]).then(() => true, () => false);
            if (!index) t.diagnostic(isThere ? "the package openai" : "openai.py in place of the package, which is not installed");
            const env = { ...process.env, PYTHONPATH: isThere || index ? "" : here, PYTHONDONTWRITEBYTECODE: "1" };
            const { stdout } = await run(PYTHON, ["-c", example("python", index, 2)], { cwd: folder, env });
            assert.equal(stdout, `${gap}\n`);
        });
    }

    test("Node.js", async () => {
        const file = join(here, "example.mjs"); // where its import is found
        await writeFile(file, example("js"));
        try {
            assert.equal((await run(process.execPath, [file])).stdout, continuation);
        } finally {
            await rm(file);
        }
    });

    test("C#", async () => {
        await writeFile(join(folder, "Program.cs"), example("csharp"));
        await writeFile(join(folder, "Example.csproj"), `<Project Sdk="Microsoft.NET.Sdk">
            <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
        </Project>`);
        const expected = await server.post("/v1/infill", { text: "The little dog <mask:3> the garden.", seed: 1 });
        const { stdout } = await run("dotnet", ["run", "--project", folder], { cwd: folder, env: { ...process.env, DOTNET_CLI_TELEMETRY_OPTOUT: "1", DOTNET_NOLOGO: "1" } });
        assert.equal(stdout.trimEnd().split("\n").at(-1), expected.answer.text);
        assert.match(expected.answer.text, /^The little dog .+ the garden\.$/);
    });
}
