// The page's texts, as the server translated them.

export const words = JSON.parse(document.getElementById("words").textContent);

export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: words.timezone });

export const clockTime = (atS) => clock.format(new Date(atS * 1000));
