// What is counted: the zone list, who has no certain place, and the figures above the plan.

import { words } from "./words.js";

const BAR_PER_PERSON = 8;  // a dozen people fill the bar

export class LiveZones extends HTMLElement {
  connectedCallback() {
    this.rows = new Map([...this.querySelectorAll("[data-zone]")].map((row) => [row.dataset.zone, row]));
  }

  frame({ zones }) {
    for (const { zone, known, count } of zones) {
      const row = this.rows.get(zone);
      row.dataset.known = known;
      setText(row.querySelector("td"), known ? String(count) : words.unknown);
      row.querySelector("rect").setAttribute("width", known ? Math.min(count * BAR_PER_PERSON, 100) : 0);
    }
  }
}

export class LiveUnplaced extends HTMLElement {
  frame({ unplaced }) {
    setText(this.querySelector("b"), String(unplaced));
  }
}

export class LiveFigures extends HTMLElement {
  frame({ zones, unplaced }) {
    this.show("people", zones.reduce((sum, zone) => sum + (zone.known ? zone.count : 0), unplaced));
  }

  health({ counts }) {
    this.show("promised", counts.promised);
    this.show("shown", counts.receipts.shown ?? 0);
    this.show("redeemed", counts.receipts.redeemed ?? 0);
  }

  show(figure, number) {
    setText(this.querySelector(`[data-figure="${figure}"]`), String(number));
  }
}

const setText = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};
