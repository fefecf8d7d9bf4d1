// The plan: zones take their colour from how many are there, dots glide to where they are drawn next.

const LEVELS = [1, 3, 6, 10];  // as in drawing.py
const SURE = 0.6;  // as in plan.svg.html
const SVG = "http://www.w3.org/2000/svg";

export class LivePlan extends HTMLElement {
  connectedCallback() {
    this.planTop = Number(this.dataset.planTop);
    this.zones = new Map([...this.querySelectorAll(".zone")].map((zone) => [zone.dataset.zone, zone]));
    this.group = this.querySelector(".dots");
    this.dots = new Map([...this.group.children].map((dot) => [Number(dot.dataset.number), dot]));
  }

  frame({ zones, dots }) {
    for (const { zone, known, count } of zones) {
      const shape = this.zones.get(zone);
      if (!shape) continue;
      shape.dataset.known = known;
      shape.dataset.level = LEVELS.filter((threshold) => count >= threshold).length;
    }
    const gone = new Set(this.dots.keys());
    for (const dot of dots) {
      gone.delete(dot.number);
      this.place(this.dots.get(dot.number) ?? this.enter(dot.number), dot);
    }
    for (const number of gone) {
      this.dots.get(number).remove();
      this.dots.delete(number);
    }
  }

  enter(number) {
    const circle = document.createElementNS(SVG, "circle");
    circle.setAttribute("class", "dot");
    circle.setAttribute("r", "0.27");
    circle.dataset.number = number;
    circle.dataset.new = "";
    this.group.append(circle);
    this.dots.set(number, circle);
    requestAnimationFrame(() => delete circle.dataset.new);
    return circle;
  }

  place(circle, { x_m, y_m, confidence }) {
    circle.style.transform = `translate(${x_m}px, ${this.planTop - y_m}px)`;
    circle.toggleAttribute("data-unsure", confidence < SURE);
  }
}
