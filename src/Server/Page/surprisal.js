/** How surprising each token of a text is to the model, given those before it, as a heat map. */
import { byId, element, percent } from "./dom.js";

const section = byId("surprisal");
const MOST = 8; // nats from which on a token has the full colour

/** @param tokens [{text, log_prob}] of the whole text, in its order; their log-probabilities add up to that of the text */
export function show(tokens) {
    const line = element("p", { className: "filled" });
    for (const token of tokens) {
        const strength = Math.max(0, Math.min(1, -token.log_prob / MOST));
        const made = element("span", { className: "heat", tabIndex: 0, title: `${percent(Math.exp(token.log_prob))}, ${(-token.log_prob).toFixed(2)} nats` }, token.text);
        made.style.backgroundColor = `color-mix(in srgb, #d3562a ${Math.round(70 * strength)}%, transparent)`; // set by script, which the policy allows
        line.append(made);
    }
    const total = tokens.reduce((sum, token) => sum - token.log_prob, 0);
    section.replaceChildren(
        element("h2", {}, "Surprisal"), line,
        element("p", { className: "figures" }, `The stronger, the less probable, given the tokens before. Log-probability of the text ${(-total).toFixed(2)}: ${(total / Math.max(1, tokens.length)).toFixed(2)} nats a token.`));
    section.hidden = false;
}
