/** Creates an element. Properties are set as such, `data` and `aria` as attributes; texts become text nodes, never markup. */
export function element(tag, properties = {}, ...children) {
    const { data = {}, aria = {}, ...rest } = properties;
    const made = Object.assign(document.createElement(tag), rest);
    for (const [name, value] of Object.entries(data)) made.dataset[name] = value;
    for (const [name, value] of Object.entries(aria)) made.setAttribute(`aria-${name}`, value);
    made.append(...children);
    return made;
}

export const byId = id => document.getElementById(id);

export const percent = probability =>
    probability >= 0.0995 ? `${(100 * probability).toFixed(0)} %` : probability >= 0.001 ? `${(100 * probability).toFixed(1)} %` : "< 0.1 %";
