/** A filled text with a button for each token that was filled in. */
import { element, percent } from "./dom.js";

/**
 * @param text the whole text
 * @param tokens [{start, end, log_prob, kind?}] in the order of the text, in UTF-16 code units
 * @param onToken called with a token and its button; without it tokens are not buttons
 */
export function filledText(text, tokens, onToken) {
    const line = element("p", { className: "filled" });
    let at = 0;
    for (const token of tokens) {
        if (token.start > at) line.append(text.slice(at, token.start));
        const whole = text.slice(token.start, token.end), shown = whole.trimStart();
        line.append(whole.slice(0, whole.length - shown.length)); // a line may break at the space, which is no part of the button
        const title = `${percent(Math.exp(token.log_prob))}, given the text and the tokens decoded before it`;
        const made = onToken
            ? element("button", { type: "button", className: "token", title, aria: { label: `${shown.trim()}, ${title}. Show alternatives.` } }, shown)
            : element("span", { className: "token", title }, shown);
        if (token.kind) made.classList.add(token.kind);
        if (onToken) made.addEventListener("click", () => onToken(token, made));
        line.append(made);
        at = token.end;
    }
    line.append(text.slice(at));
    return line;
}
