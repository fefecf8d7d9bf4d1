// How the box is doing. The sentences come whole from the server, in both languages; the page picks its own.

import { clockTime, fill, words } from "./words.js";

const said = (sentence) => sentence[words.language];

export class LiveHealth extends HTMLElement {
  health({ link, database, clock, scanners_heading, scanners }) {
    this.part("link", link.well, said(link.words));
    this.part("clock", clock.well, said(clock.words));
    this.part("database", database.well, said(database.words));
    const all = this.querySelector('[data-part="scanners"]');
    const well = scanners.every((scanner) => scanner.well);
    if (!well && all.dataset.well === "true") all.querySelector("details").open = true;
    all.dataset.well = well;
    all.querySelector("summary").textContent = said(scanners_heading);
    all.querySelector(".scanners").replaceChildren(...scanners.map(scanner));
  }

  part(name, well, sentence) {
    const item = this.querySelector(`[data-part="${name}"]`);
    item.dataset.well = well;
    item.querySelector("p").textContent = sentence;
  }
}

export class LiveStatus extends HTMLElement {
  live(live) {
    this.dataset.live = live;
    document.body.toggleAttribute("data-old", !live && this.lastAtS !== undefined);
    if (!live) this.querySelector(".heading").textContent = this.lastAtS ? fill(words.asOf, { time: clockTime(this.lastAtS).slice(0, 5) }) : words.connecting;
  }

  frame({ at_s }) {
    this.lastAtS = at_s;
  }

  health({ well, heading }) {
    this.dataset.well = well;
    this.querySelector(".heading").textContent = said(heading);
  }
}

function scanner({ well, words: sentence }) {
  const item = document.createElement("li");
  item.dataset.well = well;
  const lamp = document.createElement("span");
  lamp.className = "lamp";
  lamp.ariaHidden = "true";
  const text = document.createElement("p");
  text.textContent = said(sentence);
  item.append(lamp, text);
  return item;
}
