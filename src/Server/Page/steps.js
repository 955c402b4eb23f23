/** One text filled pass by pass: what was drafted, accepted and corrected. */
import { byId, element } from "./dom.js";

const section = byId("steps");

/** What a pass has committed: its accepted draft tokens first, then one token of its own, in place of a rejected draft token if there was one. */
export function kindsOf(pass) {
    return pass.committed.map((_, index) => (index < pass.accepted ? "accepted" : pass.drafted > pass.accepted ? "corrected" : "drawn"));
}

const keyOf = token => `${token.gap}:${token.index}`;

export class Steps {
    #passes = [];
    #live = element("p", { className: "filled" });
    #figures = element("p", { className: "figures", aria: { live: "polite" } });

    constructor() {
        section.replaceChildren(
            element("h2", {}, "Step by step"), this.#live, this.#figures,
            element("p", { className: "legend" },
                element("span", { className: "accepted" }, "drafted and accepted"),
                element("span", { className: "corrected" }, "drawn in place of a rejected draft token"),
                element("span", {}, "drawn without a draft")));
        section.hidden = false;
    }

    /** Adds a pass: its text so far, its committed tokens {gap, index}, and the counts of its own draft tokens. */
    add(pass) {
        const kinds = kindsOf(pass);
        this.#passes.push({ ...pass, kinds });
        this.#live.textContent = pass.text;
        this.#figures.textContent = this.#told(this.#passes.length);
    }

    /**
     * Once the text is filled: a slider through its passes.
     * @param text the filled text
     * @param tokens its tokens {gap, index, start, end}, in the order of the text
     */
    finish(text, tokens) {
        const passOf = new Map(), kindOf = new Map();
        this.#passes.forEach((pass, number) => pass.committed.forEach((token, i) => {
            passOf.set(keyOf(token), number + 1);
            kindOf.set(keyOf(token), pass.kinds[i]);
        }));
        const show = count => {
            let at = 0;
            this.#live.replaceChildren();
            for (const token of tokens) {
                const pass = passOf.get(keyOf(token)) ?? this.#passes.length;
                this.#live.append(text.slice(at, token.start), pass > count
                    ? element("span", { className: "open", aria: { label: "not committed yet" } }, "▁")
                    : element("span", { className: `token ${kindOf.get(keyOf(token)) ?? "drawn"}${pass === count ? " new" : ""}` }, text.slice(token.start, token.end)));
                at = token.end;
            }
            this.#live.append(text.slice(at));
            this.#figures.textContent = this.#told(count);
        };
        const slider = element("input", {
            type: "range", min: 0, max: this.#passes.length, value: this.#passes.length, id: "pass", aria: { label: "Forward passes" } });
        slider.addEventListener("input", () => show(Number(slider.value)));
        this.#live.after(slider);
        show(this.#passes.length);
    }

    #told(count) {
        if (count === 0) return "Before the first forward pass";
        const pass = this.#passes[count - 1];
        return `Forward pass ${count} of ${this.#passes.length}: ${pass.drafted} drafted, ${pass.accepted} accepted, ${pass.committed.length} committed`;
    }
}
