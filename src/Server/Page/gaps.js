/** Gaps in the text field: made of selected words, shown as buttons that put the words back. */
import { element } from "./dom.js";

const GAP = /(?<!\\)<mask(?::(?:"(?:\\.|[^"\\])*"|\/(?:\\.|[^\/\\])*\/|[^">\/])*)?(?:#[\w-]+)?>/g;

export class GapEditor {
    #text;
    #chips;
    #originals = new Map(); // what gaps stand for, by their markup and number

    constructor(text, chips) {
        this.#text = text;
        this.#chips = chips;
        text.addEventListener("input", () => this.show());
    }

    get selection() {
        const { selectionStart: start, selectionEnd: end, value } = this.#text;
        const selected = value.slice(start, end), trimmed = selected.trim();
        const from = start + selected.indexOf(trimmed);
        return { start: from, end: from + trimmed.length, text: trimmed };
    }

    /** Replaces the selected words by a gap; the browser's undo brings them back, as does the gap's button. */
    make(markup) {
        const { start, end, text } = this.selection;
        this.#replace(start, end, markup);
        if (text) this.#originals.set(`${markup} ${this.#numberAt(start, markup)}`, text);
        this.show();
    }

    show() {
        const seen = new Map();
        const buttons = [...this.#text.value.matchAll(GAP)].map(match => {
            const number = (seen.get(match[0]) ?? 0) + 1;
            seen.set(match[0], number);
            const original = this.#originals.get(`${match[0]} ${number}`);
            const button = element("button", { type: "button", className: "chip" }, original ? `${match[0]} ← “${original}”` : match[0]);
            button.title = original ? `Put “${original}” back` : "Select this gap in the text";
            button.addEventListener("click", () => {
                if (original) {
                    this.#originals.delete(`${match[0]} ${number}`);
                    this.#replace(match.index, match.index + match[0].length, original);
                    this.show();
                } else {
                    this.#text.focus();
                    this.#text.setSelectionRange(match.index, match.index + match[0].length);
                }
            });
            return button;
        });
        this.#chips.replaceChildren(...buttons);
    }

    #numberAt(start, markup) {
        return [...this.#text.value.slice(0, start + markup.length).matchAll(GAP)].filter(match => match[0] === markup).length;
    }

    #replace(start, end, replacement) {
        this.#text.focus();
        this.#text.setSelectionRange(start, end);
        if (!document.execCommand("insertText", false, replacement)) // keeps the browser's undo
            this.#text.setRangeText(replacement, start, end, "end");
    }
}

/** The markup of a gap with choices. */
export const choices = texts => `<mask:${texts.map(text => text.replace(/[\\"|<]/g, "\\$&")).map((text, i, all) => (i === 0 ? '"' : "") + text + (i === all.length - 1 ? '"' : "")).join("|")}>`;
