// The canvas of the plan editor: metres on screen, shapes, and what a mouse, a finger or a keyboard does to them.

const SVG = "http://www.w3.org/2000/svg";
const SNAP_M = 0.1;
const NEAR_PX = 16;  // a finger's reach round a corner
const ZOOM = { least: 2, most: 400, step: 1.25 };  // px a metre

export const snap = (m) => Math.round(m / SNAP_M) / (1 / SNAP_M);
const at = ([x, y]) => [Number(snap(x).toFixed(2)), Number(snap(y).toFixed(2))];

export class Canvas {
  constructor(svg, editor) {
    this.svg = svg;
    this.editor = editor;
    this.scale = 40;
    this.centre = [5, 5];
    this.fingers = new Map();
    this.drag = null;
    svg.addEventListener("pointerdown", (event) => this.down(event));
    svg.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, (event) => this.up(event));
    svg.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? ZOOM.step : 1 / ZOOM.step);
    }, { passive: false });
    svg.addEventListener("keydown", (event) => editor.key(event));
    new ResizeObserver(() => this.draw()).observe(svg);
  }

  get size() {
    return [this.svg.clientWidth || 300, this.svg.clientHeight || 300];
  }

  metres({ clientX, clientY }) {
    const box = this.svg.getBoundingClientRect();
    const [width, height] = this.size;
    return [this.centre[0] + (clientX - box.left - width / 2) / this.scale, this.centre[1] - (clientY - box.top - height / 2) / this.scale];
  }

  px([x, y]) {
    const [width, height] = this.size;
    return [width / 2 + (x - this.centre[0]) * this.scale, height / 2 - (y - this.centre[1]) * this.scale];
  }

  zoom(factor) {
    this.scale = Math.min(ZOOM.most, Math.max(ZOOM.least, this.scale * factor));
    this.draw();
  }

  pan(x, y) {
    this.centre = [this.centre[0] + x, this.centre[1] + y];
    this.draw();
  }

  fit() {
    const corners = this.editor.points();
    const box = this.editor.plan.picture_box;
    if (box) corners.push([box[0], box[1]], [box[2], box[3]]);
    if (corners.length) {
      const [xs, ys] = [0, 1].map((axis) => corners.map((corner) => corner[axis]));
      const [low, high] = [[Math.min(...xs), Math.min(...ys)], [Math.max(...xs), Math.max(...ys)]];
      const [width, height] = this.size;
      this.centre = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2];
      this.scale = Math.min(ZOOM.most, (width - 48) / Math.max(1, high[0] - low[0]), (height - 48) / Math.max(1, high[1] - low[1]));
    }
    this.draw();
  }

  // ---- pointers: one drags or sets a point, two pan and zoom

  down(event) {
    this.svg.focus({ preventScroll: true });
    this.svg.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
    if (this.fingers.size > 1) {
      this.drag = null;
      return;
    }
    const place = this.metres(event);
    if (this.editor.tool !== "select" && event.button !== 1) {
      this.drag = { pan: place, still: true, set: true };
      return;
    }
    const hit = this.editor.tool === "select" ? this.hit(place) : null;
    this.drag = hit ? { ...hit, from: place, still: true } : { pan: place, still: true };
    if (hit) this.editor.select(hit.kind, hit.index);
  }

  move(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    if (this.fingers.size === 2) {
      const other = [...this.fingers].find(([id]) => id !== event.pointerId)[1];
      const far = (one) => Math.hypot(one[0] - other[0], one[1] - other[1]);
      const now = [event.clientX, event.clientY];
      this.fingers.set(event.pointerId, now);
      this.pan((before[0] - now[0]) / 2 / this.scale, (now[1] - before[1]) / 2 / this.scale);
      if (far(before) > 0) this.zoom(far(now) / far(before));
      return;
    }
    if (!this.drag) return;
    if (this.drag.still && Math.hypot(event.clientX - before[0], event.clientY - before[1]) < 4) return;
    const place = this.metres(event);
    if (this.drag.still) this.editor.begin();
    this.drag.still = false;
    if (this.drag.pan) this.pan(this.drag.pan[0] - place[0], this.drag.pan[1] - place[1]);
    else this.dragTo(place);
  }

  dragTo(place) {
    const { kind, index, corner, from } = this.drag;
    if (corner !== undefined) this.editor.setPoint(kind, index, corner, at(place));
    else {
      const by = [snap(place[0] - from[0]), snap(place[1] - from[1])];
      if (!by[0] && !by[1]) return;
      this.editor.shift(kind, index, by);
      this.drag.from = [from[0] + by[0], from[1] + by[1]];
    }
  }

  up(event) {
    this.fingers.delete(event.pointerId);
    const drag = this.drag;
    this.drag = null;
    if (!drag || event.type === "pointercancel") return;
    if (drag.still && drag.set) this.editor.addPoint(at(this.metres(event)));
    else if (drag.still && drag.pan) this.editor.select(null);
    else if (!drag.still && !drag.pan) this.editor.changed();
  }

  hit(place) {
    const near = NEAR_PX / this.scale;
    const close = (point) => Math.hypot(point[0] - place[0], point[1] - place[1]) < near;
    const chosen = this.editor.chosen;
    if (chosen) {
      const corner = this.editor.line(chosen.kind, chosen.index).findIndex(close);
      if (corner >= 0) return { ...chosen, corner };
    }
    for (const kind of ["scanners", "beacons"]) {
      const index = this.editor.parts(kind).findIndex((part) => part.at && close(part.at));
      if (index >= 0) return { kind, index, corner: 0 };
    }
    for (const kind of ["doors", "walls"]) {
      const index = this.editor.parts(kind).findIndex((_, number) => alongside(place, this.editor.line(kind, number), near));
      if (index >= 0) return { kind, index };
    }
    const index = this.editor.parts("zones").findIndex((zone) => zone.polygon && inside(place, zone.polygon));
    return index >= 0 ? { kind: "zones", index } : null;
  }

  // ---- drawing

  draw() {
    const [width, height] = this.size;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const shapes = [this.grid(width, height), this.picture()];
    const labels = [];
    const { plan, chosen, advice } = this.editor;
    const mark = (kind, index) => (chosen && chosen.kind === kind && chosen.index === index ? " chosen" : "");
    this.editor.parts("zones").forEach((zone, index) => {
      if (!zone.polygon) return;
      const share = advice?.zones[zone.id]?.right;
      const level = share === undefined ? 1 : Math.min(4, Math.max(0, Math.floor(share * 5)));
      shapes.push(shape("polygon", { class: `zone${mark("zones", index)}`, "data-level": level, points: this.list(zone.polygon), role: "img", "aria-label": this.editor.says("zones", index) }));
      const corners = zone.polygon.map((corner) => this.px(corner));
      const [left, top] = [0, 1].map((axis) => Math.min(...corners.map((corner) => corner[axis])));
      const room = (Math.max(...corners.map(([x]) => x)) - left - 12) / 7.5;  // letters of 13 px
      const told = share === undefined ? "" : `${Math.round(share * 100)}%`;
      const text = [`${this.editor.name(zone)} ${told}`, told || String(index + 1)].find((words) => words.trim().length <= room) ?? "";
      labels.push(shape("text", { class: "plan-label", x: left + 6, y: top + 17 }, text.trim()));
    });
    shapes.push(...labels);
    this.editor.parts("walls").forEach((_, index) => shapes.push(shape("polyline", { class: `plan-wall${mark("walls", index)}`, points: this.list(this.editor.line("walls", index)), role: "img", "aria-label": this.editor.says("walls", index) })));
    this.editor.parts("doors").forEach((_, index) => shapes.push(shape("polyline", { class: `plan-door${mark("doors", index)}`, points: this.list(this.editor.line("doors", index)), role: "img", "aria-label": this.editor.says("doors", index) })));
    for (const kind of ["scanners", "beacons"]) {
      this.editor.parts(kind).forEach((part, index) => {
        if (!part.at) return;
        const [x, y] = this.px(part.at);
        const path = kind === "scanners" ? "M0-9 9 0 0 9-9 0Z" : "M0-7A7 7 0 1 0 .01-7ZM0-2A2 2 0 1 1-.01-2Z";
        shapes.push(shape("path", { class: `plan-mark ${kind}${mark(kind, index)}`, d: path, transform: `translate(${x} ${y})`, role: "img", "aria-label": this.editor.says(kind, index) }));
      });
    }
    for (const place of advice?.places ?? []) {
      const [x, y] = this.px(place);
      shapes.push(shape("path", { class: "plan-ghost", d: "M0-10 10 0 0 10-10 0Z", transform: `translate(${x} ${y})` }));
    }
    if (chosen) for (const point of this.editor.line(chosen.kind, chosen.index)) shapes.push(this.handle(point, "plan-handle"));
    if (this.editor.drawing.length) {
      shapes.push(shape("polyline", { class: "plan-drawing-line", points: this.list(this.editor.drawing) }));
      for (const point of this.editor.drawing) shapes.push(this.handle(point, "plan-handle"));
    }
    if (this.editor.tool !== "select") shapes.push(shape("path", { class: "plan-cross", d: `M${width / 2 - 14} ${height / 2}h28M${width / 2} ${height / 2 - 14}v28` }));
    this.svg.replaceChildren(...shapes.filter(Boolean));
  }

  handle(point, name) {
    const [x, y] = this.px(point);
    return shape("circle", { class: name, cx: x, cy: y, r: 6 });
  }

  list(points) {
    return points.map((point) => this.px(point).map((value) => value.toFixed(1)).join(",")).join(" ");
  }

  grid(width, height) {
    const every = [1, 5, 10, 50].find((metres) => metres * this.scale >= 14) ?? 100;
    const lines = [];
    const [left, top] = [this.centre[0] - width / 2 / this.scale, this.centre[1] + height / 2 / this.scale];
    for (let x = Math.ceil(left / every) * every; x <= left + width / this.scale; x += every) lines.push(`M${this.px([x, 0])[0].toFixed(1)} 0V${height}`);
    for (let y = Math.floor(top / every) * every; y >= top - height / this.scale; y -= every) lines.push(`M0 ${this.px([0, y])[1].toFixed(1)}H${width}`);
    return shape("path", { class: "plan-grid", d: lines.join("") });
  }

  picture() {
    const { picture, picture_box: box } = this.editor.plan;
    if (!picture?.startsWith("picture-") || !box || !this.editor.background) return null;
    const [x, y] = this.px([box[0], box[3]]);
    return shape("image", { href: `/api/v1/plan/pictures/${picture}`, x, y, width: (box[2] - box[0]) * this.scale, height: (box[3] - box[1]) * this.scale, preserveAspectRatio: "none", opacity: 0.55 });
  }
}

function shape(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

export function inside([x, y], ring) {
  let within = false;
  ring.forEach(([x1, y1], index) => {
    const [x2, y2] = ring[(index + 1) % ring.length];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) within = !within;
  });
  return within;
}

function alongside([x, y], line, near) {
  return line.slice(1).some(([x2, y2], index) => {
    const [x1, y1] = line[index];
    const length = Math.hypot(x2 - x1, y2 - y1) || 1;
    const along = Math.min(1, Math.max(0, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length ** 2));
    return Math.hypot(x - x1 - along * (x2 - x1), y - y1 - along * (y2 - y1)) < near;
  });
}
