import { byId, element } from "./dom.js";
import { ApiError, get, post, stream, useKey } from "./api.js";
import { GapEditor, choices } from "./gaps.js";
import { filledText } from "./filled.js";
import * as alternatives from "./alternatives.js";
import { Steps } from "./steps.js";
import * as surprisal from "./surprisal.js";

const text = byId("text"), message = byId("message"), results = byId("results");
const editor = new GapEditor(text, byId("gaps"));
let running = null;

/** The fields of all requests that are not empty. */
function settings(names = ["temperature", "top_p"]) {
    const found = byId("model").value ? { model: byId("model").value } : {};
    const values = { temperature: byId("temperature").value, top_p: byId("top-p").value, seed: byId("seed").value };
    for (const name of names) if (values[name] !== "" && values[name] !== undefined) found[name] = Number(values[name]);
    return found;
}

function say(told, isError = false) {
    message.textContent = told;
    message.classList.toggle("error", isError);
}

/** Runs what a button starts: one at a time, which can be stopped, with its error in words. */
async function run(told, action) {
    running?.abort();
    const own = running = new AbortController();
    byId("stop").hidden = false;
    useKey(byId("key").value);
    alternatives.close();
    say(told);
    try {
        await action(own.signal);
        if (running === own) say("");
    } catch (error) {
        if (error.name === "AbortError") {
            if (running === own) say("Stopped.");
        } else {
            if (error instanceof ApiError && error.status === 401) byId("key-label").hidden = false;
            say(error.message, true);
        }
    } finally {
        if (running === own) {
            running = null;
            byId("stop").hidden = true;
        }
    }
}

/** The tokens of all gaps with their places. */
const tokensOf = gaps => gaps.flatMap((tokens, gap) => tokens.map((token, index) => ({ ...token, gap, index, end: token.start + token.text.length })));

/** One filled text. @param gaps the tokens of each gap, from token_scores */
function card(result, gaps) {
    const box = element("article", { className: "card" });
    let shown = result.text, tokens = tokensOf(gaps);
    const draw = () => box.replaceChildren(
        filledText(shown, tokens, (token, button) => alternatives.show(shown, token, button, settings([]), chosen => {
            const longer = chosen.length - (token.end - token.start);
            shown = shown.slice(0, token.start) + chosen + shown.slice(token.end);
            tokens = tokens.map(other => other === token ? { ...other, end: other.end + longer }
                : other.start > token.start ? { ...other, start: other.start + longer, end: other.end + longer } : other);
            draw();
        })),
        figures(result), lengths(result), copyButton(() => shown));
    draw();
    return box;
}

function figures(result) {
    const passes = `${result.tokens} token${result.tokens === 1 ? "" : "s"} in ${result.nfe} forward pass${result.nfe === 1 ? "" : "es"}`;
    return element("p", { className: "figures" }, `${passes}, log probability ${result.log_prob.toFixed(2)}, seed ${result.seed}`);
}

function lengths(result) {
    const told = (result.gap_details ?? []).flatMap((gap, number) => {
        const parts = [];
        const own = gap.lengths?.find(one => one.tokens === gap.tokens);
        if (own) parts.push(`${gap.tokens} token${gap.tokens === 1 ? "" : "s"}, probability ${own.probability.toFixed(2)}`);
        for (const one of gap.choices ?? []) parts.push(`“${one.text}” ${one.probability.toFixed(2)}`);
        if (gap.abstained) parts.push("left open");
        return parts.length ? [`Gap ${number + 1}: ${parts.join(", ")} (${gap.accuracy})`] : [];
    });
    return element("p", { className: "figures" }, told.join(". "));
}

function copyButton(current) {
    const button = element("button", { type: "button" }, "Copy");
    button.addEventListener("click", async () => {
        await navigator.clipboard?.writeText(current());
        button.textContent = "Copied";
    });
    return button;
}

byId("form").addEventListener("submit", event => {
    event.preventDefault();
    run("Filling…", async signal => {
        const samples = Math.max(1, Math.min(8, Number(byId("samples").value) || 1));
        const answer = await post("/v1/infill", { ...settings(["temperature", "top_p", "seed"]), text: text.value, samples, scores: true }, signal);
        alternatives.close();
        results.replaceChildren(...answer.samples.map((sample, i) => card(sample, answer.token_scores[i])));
    });
});

byId("watch").addEventListener("click", () => run("Filling…", async signal => {
    const steps = new Steps();
    for await (const update of stream("/v1/infill", { ...settings(["temperature", "top_p", "seed"]), text: text.value, stream: true, scores: true, draft_mode: "latency" }, signal)) {
        steps.add(update);
        if (update.result) {
            const [gaps] = update.result.token_scores;
            steps.finish(update.result.text, tokensOf(gaps));
            alternatives.close();
            results.replaceChildren(card(update.result, gaps));
        }
    }
}));

byId("score").addEventListener("click", () => run("Scoring…", async signal => {
    const answer = await post("/v1/score", { model: settings([]).model, segments: [{ span: text.value }] }, signal);
    surprisal.show(answer.spans.flatMap(span => span.token_scores));
}));

byId("stop").addEventListener("click", () => running?.abort());

text.addEventListener("keydown", event => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        byId("form").requestSubmit();
    }
});

for (const button of document.querySelectorAll("[data-gap]")) {
    button.addEventListener("mousedown", event => event.preventDefault()); // the selection stays
    button.addEventListener("click", () => makeGap(button.dataset.gap));
}

async function makeGap(kind) {
    const selected = editor.selection;
    if (kind === "choices") return askForChoices(selected);
    if (kind === "range") return editor.make(`<mask:1-${byId("longest").value}>`);
    if (kind === "any") return editor.make("<mask:*>");
    if (!selected.text) return editor.make("<mask>");
    await run("Counting…", async signal => {
        const whole = text.value;
        const count = async part => (part === "" ? 0 : (await post("/v1/tokenize", { ...settings([]), segments: [{ text: part }] }, signal)).given);
        const tokens = Math.max(1, await count(whole.slice(0, selected.end)) - await count(whole.slice(0, selected.start).trimEnd()));
        text.setSelectionRange(selected.start, selected.end);
        editor.make(tokens === 1 ? "<mask>" : `<mask:${tokens}>`);
    });
}

function askForChoices(selected) {
    const dialog = byId("choices"), list = byId("choices-list");
    list.value = selected.text;
    dialog.returnValue = "cancel";
    dialog.showModal();
    dialog.addEventListener("close", () => {
        const texts = list.value.split("\n").map(line => line.trim()).filter(line => line !== "");
        if (dialog.returnValue !== "insert" || texts.length === 0) return;
        text.setSelectionRange(selected.start, selected.end);
        editor.make(choices(texts));
    }, { once: true });
}

byId("longest").addEventListener("input", () => { byId("range-shown").textContent = byId("longest").value; });

async function showModels() {
    const found = await get("/v1/models");
    byId("model").replaceChildren(...found.data.map(model => element("option", { value: model.id }, model.id)));
}

editor.show();
showModels().catch(error => {
    if (error.status === 401) byId("key-label").hidden = false;
    say(error.message, true);
});
byId("key").addEventListener("change", () => { useKey(byId("key").value); showModels().then(() => say(""), error => say(error.message, true)); });
