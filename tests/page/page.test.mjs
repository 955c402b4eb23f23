// The web page in Chromium, against a server that this starts: ASARM (the built command), MODEL (a model folder), CHROMIUM (default /usr/bin/chromium).
// With SCREENSHOTS, a folder, pictures of each state are left there.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { chromium } from "playwright-core";

const { ASARM, MODEL, SCREENSHOTS, CHROMIUM = "/usr/bin/chromium" } = process.env;
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
let server, address, browser, page, problems;

before(async () => {
    server = spawn(ASARM, ["serve", "--model", MODEL, "--port", "0"], { stdio: ["ignore", "pipe", "pipe"] });
    address = await new Promise((resolve, reject) => {
        let told = "";
        const read = chunk => {
            told += chunk;
            const found = /http:\/\/[^\s]+/.exec(told);
            if (found) resolve(found[0].replace(/[.,/]*$/, ""));
        };
        server.stdout.on("data", read);
        server.stderr.on("data", read);
        server.on("exit", code => reject(new Error(`asarm serve ended with ${code}: ${told}`)));
    });
    for (;;) {
        const health = await fetch(`${address}/health`);
        if (health.ok) break;
        await new Promise(resolve => setTimeout(resolve, 100));
    }
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-background-networking"] });
});

after(async () => {
    await browser?.close();
    server?.kill("SIGTERM");
});

beforeEach(async () => {
    page = await browser.newPage();
    problems = [];
    page.on("console", told => told.type() === "error" && problems.push(told.text()));
    page.on("pageerror", error => problems.push(String(error)));
    page.on("request", request => request.url().startsWith(address) || problems.push(`asked another host: ${request.url()}`));
    await page.goto(address);
    await page.waitForFunction(() => document.querySelector("#model option"));
});

afterEach(async () => {
    await page.close();
});

const picture = name => SCREENSHOTS && page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });

async function fill(text, options = {}) {
    await page.fill("#text", text);
    await page.fill("#seed", "1");
    for (const [id, value] of Object.entries(options)) await page.fill(`#${id}`, value);
    await page.click("#fill"); // shows the stop button before it returns
    await page.waitForSelector("#stop", { state: "hidden" });
    assert.equal(await page.textContent("#message"), "");
    await page.waitForSelector("#results .card");
}

test("a gap is filled, several samples side by side, and the text around it stays", async () => {
    await fill("Once there was a <mask> who lived in a <mask:2>. The \\<end.", { samples: "3" });
    const texts = await page.locator("#results .filled").allTextContents();
    assert.equal(texts.length, 3);
    for (const text of texts) assert.match(text, /^Once there was a .+ who lived in a .+\. The <end\.$/);
    assert.equal(await page.locator("#results .card").first().locator(".token").count(), 3);
    await picture("filled");
    assert.deepEqual(problems, []);
});

test("the same seed fills the same, seeds that differ do not all", async () => {
    const filled = async seed => {
        await fill("Tom was <mask:2> because he lost his <mask>.", { samples: "1", seed });
        return page.locator("#results .filled").textContent();
    };
    const first = await filled("1");
    const others = new Set();
    for (const seed of ["2", "3", "4", "5"]) others.add(await filled(seed));
    assert.ok(others.size > 1, [...others].join(" "));
    assert.equal(await filled("1"), first);
});

test("alternatives of a token, and one of them in its place", async () => {
    await fill("Once there was a <mask> who lived in a small village.", { samples: "1" });
    await page.click("#results .token");
    await page.waitForSelector("#alternatives li");
    assert.equal(await page.locator("#alternatives li").count(), 10);
    const current = page.locator("#alternatives [aria-current=true]");
    assert.ok(await current.count() <= 1);
    await picture("alternatives");
    const other = page.locator("#alternatives li button:not([aria-current])").first();
    const word = (await other.evaluate(button => button.firstChild.textContent)).trim();
    await other.click();
    assert.equal(await page.locator("#results .filled").textContent(), `Once there was a ${word} who lived in a small village.`);
    assert.ok(await page.locator("#alternatives").isHidden());
    await page.click("#results .token");
    await page.waitForSelector("#alternatives li");
    await page.keyboard.press("Escape");
    assert.ok(await page.locator("#alternatives").isHidden());
    assert.deepEqual(problems, []);
});

test("alternatives that are closed before they come are not asked for any more", async () => {
    await fill("Once there was a <mask> who lived in a <mask>.", { samples: "1" });
    let held;
    await page.route("**/v1/candidates", route => held ? route.continue() : void (held = route));
    const failed = page.waitForEvent("requestfailed");
    await page.locator("#results .token").first().click();
    await page.waitForSelector("#alternatives");
    await page.keyboard.press("Escape");
    assert.match((await failed).url(), /candidates$/);
    assert.ok(await page.locator("#alternatives").isHidden());
    await page.locator("#results .token").first().click();
    await page.waitForSelector("#alternatives li");
    assert.deepEqual(problems, []);
});

test("new results close the alternatives of the former ones", async () => {
    await fill("Once there was a <mask> who lived in a small village.", { samples: "1" });
    const asked = new Promise(resolve => page.route("**/v1/infill", resolve));
    await page.click("#fill");
    await page.click("#results .token");
    await page.waitForSelector("#alternatives li");
    await (await asked).continue();
    await page.waitForSelector("#stop", { state: "hidden" });
    assert.ok(await page.locator("#alternatives").isHidden());
    assert.deepEqual(problems, []);
});

test("selected words become gaps, and their buttons put them back", async () => {
    await page.fill("#text", "The cat sat on the mat.");
    const select = word => page.evaluate(part => {
        const text = document.querySelector("#text"), at = text.value.indexOf(part);
        text.focus();
        text.setSelectionRange(at, at + part.length);
    }, word);
    await select("cat ");
    await page.click("[data-gap=same]");
    await page.waitForFunction(() => document.querySelector("#text").value.includes("<mask"));
    assert.equal(await page.inputValue("#text"), "The <mask> sat on the mat.");
    await select("mat");
    await page.click("[data-gap=range]");
    assert.equal(await page.inputValue("#text"), "The <mask> sat on the <mask:1-8>.");
    await picture("gaps");
    await page.locator("#gaps button").first().click();
    assert.equal(await page.inputValue("#text"), "The cat sat on the <mask:1-8>.");
    assert.deepEqual(problems, []);
});

test("choices are asked for, and one of them is taken", async () => {
    await page.fill("#text", "It rained all day, but we went out.");
    await page.evaluate(() => {
        const text = document.querySelector("#text"), at = text.value.indexOf("but");
        text.focus();
        text.setSelectionRange(at, at + 3);
    });
    await page.click("[data-gap=choices]");
    await page.fill("#choices-list", "but\nso\nand");
    await page.click("#choices button[value=insert]");
    await page.waitForFunction(() => document.querySelector("#text").value.includes("<mask")); // the dialog tells of its end after the click
    assert.equal(await page.inputValue("#text"), 'It rained all day, <mask:"but|so|and"> we went out.');
});

test("decoding is shown pass by pass", async () => {
    await page.fill("#text", "Once there was a <mask> who lived <mask:6> in the forest.");
    await page.fill("#seed", "1");
    await page.click("#watch");
    await page.waitForSelector("#pass");
    const passes = Number(await page.getAttribute("#pass", "max"));
    assert.ok(passes >= 1 && passes <= 7, `${passes} passes for 7 tokens`);
    assert.equal(await page.locator("#steps .token").count(), 7);
    await page.fill("#pass", "0");
    assert.equal(await page.locator("#steps .open").count(), 7);
    await page.fill("#pass", "1");
    assert.ok(await page.locator("#steps .token.new").count() >= 1);
    assert.deepEqual(problems, []);
});

test("speculation is shown: drafted tokens are accepted or replaced", async () => {
    await page.fill("#text", "Once upon a time there was a little girl <mask:24> and they lived happily ever after.");
    await page.fill("#seed", "1");
    await page.click("#watch");
    await page.waitForSelector("#pass");
    assert.equal(await page.locator("#steps .token").count(), 24);
    assert.ok(await page.locator("#steps .token.accepted, #steps .token.corrected").count() >= 1);
    assert.ok(Number(await page.getAttribute("#pass", "max")) <= 24);
    await picture("steps");
    assert.deepEqual(problems, []);
});

test("surprisal of a whole text", async () => {
    await page.fill("#text", "The cat sat on the telescope.");
    await page.click("#score");
    await page.waitForSelector("#surprisal .heat");
    assert.equal((await page.locator("#surprisal .filled").textContent()).trim(), "The cat sat on the telescope.");
    await picture("surprisal");
    assert.deepEqual(problems, []);
});

test("what is wrong is told in words", async () => {
    await page.fill("#text", "There is a <mask:0> here.");
    await page.click("#fill");
    await page.waitForSelector("#message.error");
    assert.match(await page.textContent("#message"), /gap .* size 0/);
    await picture("error");
    await page.fill("#text", "No gap at all.");
    await page.click("#fill");
    await page.waitForFunction(() => /gap/.test(document.querySelector("#message").textContent) && !/size 0/.test(document.querySelector("#message").textContent));
});

for (const [name, settings] of [["light", { colorScheme: "light" }], ["dark", { colorScheme: "dark" }], ["phone", { viewport: { width: 360, height: 740 } }]]) {
    test(`no accessibility rule is broken, and nothing overflows: ${name}`, async () => {
        const other = await browser.newPage(settings);
        await other.goto(address);
        await other.fill("#text", "Once there was a <mask> who lived in a <mask:1-3>.");
        await other.fill("#seed", "1");
        await other.click("#fill");
        await other.waitForSelector("#results .card");
        if (SCREENSHOTS) await other.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
        assert.ok(await other.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth));
        await other.evaluate(await readFile(AXE, "utf8"));
        const found = await other.evaluate(() => window.axe.run());
        assert.deepEqual(found.violations.map(rule => `${rule.id}: ${rule.nodes.map(node => node.html).join(" ")}`), []);
        await other.close();
    });
}

test("nothing but the page's own files may run", async () => {
    const answer = await fetch(address);
    const policy = answer.headers.get("content-security-policy");
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
    const page = await answer.text();
    assert.doesNotMatch(page, /<style|style=|onclick=|<script(?![^>]*src=)/);
});
