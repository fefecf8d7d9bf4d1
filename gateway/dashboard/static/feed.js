// The feed: newest on top, as many rows of each kind as the server keeps.

import { clockTime, fill, words } from "./words.js";

const ROWS_PER_KIND = 25;  // as in feed.py
const MOVES = new Set(["visit_start", "enter", "dwell", "exit", "visit_end"]);
const IN_ZONE = new Set(["enter", "dwell", "exit"]);

export class LiveFeed extends HTMLElement {
  connectedCallback() {
    this.list = this.querySelector("ol");
  }

  items(rows, fresh) {
    if (fresh) this.list.replaceChildren();
    if (!rows.length) return;
    const fragment = document.createDocumentFragment();
    for (const { item } of rows) fragment.prepend(this.row(item));
    this.list.prepend(fragment);
    for (const kind of ["move", "offer"]) {
      [...this.list.querySelectorAll(`[data-kind="${kind}"]`)].slice(ROWS_PER_KIND).forEach((row) => row.remove());
    }
  }

  row(item) {
    const entry = document.createElement("li");
    entry.dataset.kind = MOVES.has(item.kind) ? "move" : "offer";
    const time = document.createElement("time");
    time.textContent = clockTime(item.at_s);
    const text = document.createElement("span");
    text.textContent = sentence(item);
    if (item.decision && words.mayAskWhy) {
      const why = document.createElement("a");
      why.href = `/why/${encodeURIComponent(item.decision)}`;
      why.textContent = words.why;
      text.append(" ", why);
    }
    entry.append(time, " ", text);
    return entry;
  }
}

function sentence({ kind, number, zone, dwell_s, offer }) {
  const text = fill(words.happened[zone || !IN_ZONE.has(kind) ? kind : "nowhere"], {
    dwell: dwell_s < 90 ? `${Math.round(dwell_s)} s` : `${Math.round(dwell_s / 60)} min`,
    who: number ? fill(words.visitor, { number }) : words.somebody,
    zone: words.zones[zone] ?? zone,
    offer: offer ? fill(words.quoted, { title: offer }) : words.anOffer,
  });
  return text.charAt(0).toUpperCase() + text.slice(1);
}
