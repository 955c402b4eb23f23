/** The most probable tokens at one place of a filled text, given all the rest of it. */
import { byId, element, percent } from "./dom.js";
import { post } from "./api.js";

const panel = byId("alternatives");
let opener = null, request = null;

export function close() {
    request?.abort();
    request = null;
    if (panel.hidden) return;
    panel.hidden = true;
    opener?.focus();
    opener = null;
}

document.addEventListener("keydown", event => event.key === "Escape" && close());
document.addEventListener("pointerdown", event => !panel.hidden && !panel.contains(event.target) && close());

/** Shows them under a token's button; onChoice is called with the text of the one that is chosen. */
export async function show(text, token, button, settings, onChoice) {
    close();
    const own = request = new AbortController();
    opener = button;
    panel.replaceChildren(element("p", { className: "hint" }, "…"));
    place(button);
    panel.hidden = false;
    try {
        const shown = text.slice(token.start, token.end);
        const found = await post("/v1/candidates", { ...settings, count: 10, segments: around(text, token) }, own.signal);
        if (request !== own) return; // closed meanwhile
        const rows = found.gaps[0].map(candidate => row(candidate, shown, onChoice));
        panel.replaceChildren(element("p", { className: "hint" }, "One token here, given all the rest of the text"), element("ol", {}, ...rows));
        panel.querySelector("button")?.focus();
    } catch (error) {
        if (request !== own) return;
        panel.replaceChildren(element("p", { className: "error" }, error.message));
    }
}

/** The text with one open token; no segment is empty. */
const around = (text, token) => [{ text: text.slice(0, token.start) }, { gap: 1 }, { text: text.slice(token.end) }].filter(segment => segment.text !== "");

function row(candidate, shown, onChoice) {
    const meter = element("meter", { min: 0, max: 1, value: candidate.probability, aria: { hidden: "true" } });
    const button = element(
        "button", { type: "button" }, candidate.text.trim() || "(space)", meter, element("span", { className: "number" }, percent(candidate.probability)));
    if (candidate.text.trim() === shown.trim()) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => { onChoice(candidate.text); close(); });
    return element("li", {}, button);
}

function place(button) {
    const box = button.getBoundingClientRect();
    const width = Math.min(320, document.documentElement.clientWidth - 16);
    panel.style.left = `${Math.max(8, Math.min(box.left, document.documentElement.clientWidth - width - 8)) + scrollX}px`;
    panel.style.top = `${box.bottom + scrollY + 6}px`;
}
