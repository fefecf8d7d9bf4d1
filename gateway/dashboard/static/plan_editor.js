// The plan editor: one document, its history, and a draft that the box keeps a second after each change.

import { Canvas, inside } from "./plan_canvas.js";
import { showFields, showParts } from "./plan_fields.js";

const UNDO = 100;
const SAVE_MS = 700;
const csrf = document.querySelector("meta[name=csrf-token]").content;
const byId = (id) => document.getElementById(id);

class Editor {
  kinds = ["zones", "scanners", "beacons", "walls", "doors"];
  tool = "select";
  drawing = [];
  chosen = null;
  past = [];
  future = [];
  faults = [];
  advice = null;
  background = true;

  constructor() {
    const given = JSON.parse(byId("plan-data").textContent);
    this.words = given.words;
    this.language = document.documentElement.lang;
    this.plan = given.draft.plan;
    this.tag = given.tag;
    this.readOnly = given.read_only;
    this.canvas = new Canvas(byId("canvas"), this);
    this.take(given.draft);
    this.canvas.fit();
    this.show();
    for (const button of document.querySelectorAll("[data-tool]")) button.addEventListener("click", () => this.use(button.dataset.tool));
    const deeds = {
      undo: () => this.undo(), redo: () => this.redo(), fit: () => this.canvas.fit(), done: () => this.finish(),
      in: () => this.canvas.zoom(1.25), out: () => this.canvas.zoom(0.8), point: () => this.addPoint(this.canvas.centre.map((m) => Math.round(m * 10) / 10)),
      advise: () => this.advise(), propose: () => this.propose(), accept: () => this.accept(), live: () => byId("confirm").showModal(), go: () => this.putToWork(),
      stay: () => byId("confirm").close(), background: () => { this.background = !this.background; this.canvas.draw(); },
    };
    for (const button of document.querySelectorAll("[data-deed]")) button.addEventListener("click", () => deeds[button.dataset.deed]());
    byId("picture").addEventListener("change", (event) => this.upload(event.target));
    byId("bring").addEventListener("change", (event) => this.bring(event.target));
    addEventListener("beforeunload", (event) => { if (this.waiting) event.preventDefault(); });
    document.documentElement.dataset.ready = "";
  }

  // ---- the document

  parts(kind) {
    return this.plan[kind] ?? [];
  }

  part(kind, index) {
    return this.parts(kind)[index];
  }

  /** The points of a part: the very array, so that a change to it changes the plan. */
  line(kind, index) {
    const part = this.part(kind, index);
    if (!part) return [];
    if (Array.isArray(part)) return (this.plan[kind][index] = { line: part }).line;
    return part.polygon ?? part.line ?? (part.at ? [part.at] : []);
  }

  points() {
    return this.kinds.flatMap((kind) => this.parts(kind).flatMap((_, index) => [...this.line(kind, index)]));
  }

  setPoint(kind, index, corner, point) {
    const part = this.part(kind, index);
    if (part.at) {
      part.at = point;
      this.settle(part);
    } else this.line(kind, index)[corner] = point;
    this.canvas.draw();
  }

  shift(kind, index, [x, y]) {
    this.line(kind, index).forEach((point, corner) => this.setPoint(kind, index, corner, [Math.round((point[0] + x) * 100) / 100, Math.round((point[1] + y) * 100) / 100]));
  }

  /** A scanner belongs to the zone it stands in. */
  settle(part) {
    const zone = this.parts("zones").find(({ polygon }) => polygon && inside(part.at, polygon));
    if (zone) part.zone = zone.id;
    else delete part.zone;
  }

  name(zone) {
    return zone.name?.[this.language] || Object.values(zone.name ?? {}).find(Boolean) || zone.id;
  }

  title(kind, index) {
    const part = this.part(kind, index);
    if (kind === "zones") return this.name(part);
    return part.id ?? `${this.words[`one_${kind}`]} ${index + 1}`;
  }

  says(kind, index) {
    const line = this.line(kind, index);
    return `${this.title(kind, index)}, ${this.words[`one_${kind}`]}, ${line.map(([x, y]) => `${x} × ${y} m`).join("; ")}`.slice(0, 160);
  }

  saysAdvice({ right, mistaken_for: other, mistaken }) {
    const zone = this.parts("zones").find((one) => one.id === other);
    const values = { right: Math.round(right * 100), other: zone ? this.name(zone) : this.words.elsewhere, mistaken: Math.round(mistaken * 100) };
    return this.words.advice_zone.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  isFaulty(kind, index) {
    return this.faults.some(({ ids, path }) => path.startsWith(`${kind}[${index}]`) || ids.includes(this.part(kind, index).id));
  }

  // ---- changes, each one step of undo

  begin() {
    this.past = [...this.past.slice(1 - UNDO), JSON.stringify(this.plan)];
    this.future = [];
  }

  edit(change) {
    this.begin();
    change();
    this.changed();
  }

  changed() {
    for (const kind of ["scanners", "beacons"]) for (const part of this.parts(kind)) if (part.at) this.settle(part);
    this.advice = null;
    this.show();
    this.saveSoon();
    if (this.advising) this.advise();
  }

  undo() {
    this.step(this.past, this.future);
  }

  redo() {
    this.step(this.future, this.past);
  }

  step(from, to) {
    if (this.drawing.length) {
      this.drawing.pop();
      this.show();
      return;
    }
    if (!from.length) return;
    to.push(JSON.stringify(this.plan));
    this.plan = JSON.parse(from.pop());
    this.chosen = null;
    this.changed();
  }

  select(kind, index) {
    this.chosen = kind === null ? null : { kind, index };
    this.show();
  }

  remove() {
    const { kind, index } = this.chosen;
    this.chosen = null;
    this.edit(() => this.plan[kind].splice(index, 1));
    byId("canvas").focus();
  }

  use(tool) {
    this.tool = tool;
    this.drawing = [];
    this.chosen = null;
    this.show();
  }

  addPoint(point) {
    if (this.readOnly || this.tool === "select") return;
    this.drawing.push(point);
    const [first] = this.drawing;
    const closed = this.drawing.length > 3 && Math.hypot(point[0] - first[0], point[1] - first[1]) < 12 / this.canvas.scale;
    if (closed && this.tool === "zones") {
      this.drawing.pop();
      this.finish();
    } else if (this.drawing.length === { scanners: 1, beacons: 1, doors: 2, measure: 2 }[this.tool]) this.finish();
    else this.show();
  }

  finish() {
    const line = this.drawing;
    const tool = this.tool;
    const least = { zones: 3, walls: 2, doors: 2, measure: 2 }[tool] ?? 1;
    this.drawing = [];
    if (line.length < least) return this.show();
    if (tool === "measure") return this.measure(line);
    const made = this.made(tool, line);
    this.edit(() => {
      this.plan[tool] = [...this.parts(tool), made];
      this.chosen = { kind: tool, index: this.plan[tool].length - 1 };
    });
    if (tool !== "scanners" && tool !== "beacons") this.tool = "select";
    this.show();
    byId("fields").querySelector("input")?.focus({ preventScroll: true });
  }

  made(tool, line) {
    if (tool === "zones") {
      const id = this.free("zone", "zones");
      const number = id.split("-")[1];
      return { id, name: { nl: `Zone ${number}`, en: `Zone ${number}` }, polygon: line };
    }
    if (tool === "walls" || tool === "doors") return { line };
    const waiting = tool === "scanners" ? this.unplaced.find((id) => !this.parts("scanners").some((part) => part.id === id)) : undefined;
    return { id: waiting ?? this.free(tool === "scanners" ? "scanner" : "beacon", tool), at: line[0] };
  }

  free(word, kind) {
    for (let number = 1; ; number++) if (!this.parts(kind).some((part) => part.id === `${word}-${number}`)) return `${word}-${number}`;
  }

  /** Two points of the picture whose distance is known: the picture grows or shrinks about the first. */
  measure([from, to]) {
    const drawn = Math.hypot(to[0] - from[0], to[1] - from[1]);
    const typed = prompt(this.words.how_far, drawn.toFixed(2));
    const real = Number(String(typed ?? "").replace(",", "."));
    this.use("select");
    if (!this.plan.picture_box || !(real > 0) || !(drawn > 0)) return;
    this.edit(() => {
      this.plan.picture_box = this.plan.picture_box.map((edge, number) => from[number % 2] + (edge - from[number % 2]) * (real / drawn));
    });
    this.canvas.fit();
  }

  key(event) {
    const step = event.shiftKey ? 1 : 0.1;
    const way = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }[event.key];
    const tools = { v: "select", z: "zones", w: "walls", s: "scanners", d: "doors", b: "beacons", m: "measure" };
    const control = event.ctrlKey || event.metaKey;
    if (control && event.key === "z") this.undo();
    else if (control && event.key === "y") this.redo();
    else if (control) return;
    else if (way && this.chosen && !this.readOnly) this.edit(() => this.shift(this.chosen.kind, this.chosen.index, way));
    else if (way) this.canvas.pan(way[0] * 5, way[1] * 5);
    else if (event.key === "Delete" && this.chosen && !this.readOnly) this.remove();
    else if (event.key === "Escape") this.use("select");
    else if (event.key === "Enter") this.finish();
    else if (event.key === " " && this.tool !== "select") this.addPoint(this.canvas.centre.map((m) => Math.round(m * 10) / 10));
    else if (event.key === "+" || event.key === "-") this.canvas.zoom(event.key === "+" ? 1.25 : 0.8);
    else if (event.key === "f") this.canvas.fit();
    else if (tools[event.key] && !this.readOnly) this.use(tools[event.key]);
    else return;
    event.preventDefault();
  }

  // ---- what is shown

  show() {
    for (const button of document.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", String(button.dataset.tool === this.tool));
    const drawing = this.tool !== "select";
    byId("drawing").hidden = !drawing;
    byId("drawing-hint").textContent = this.words[`hint_${this.tool}`] ?? "";
    document.querySelector("[data-deed=undo]").disabled = !this.past.length && !this.drawing.length;
    document.querySelector("[data-deed=redo]").disabled = !this.future.length;
    showParts(byId("parts"), this);
    showFields(byId("fields"), this);
    if (this.readOnly) for (const control of document.querySelectorAll("#fields input, #fields button")) control.disabled = true;
    this.canvas.draw();
  }

  take(draft) {
    this.faults = draft.faults;
    this.unplaced = draft.unplaced;
    const lines = draft.faults.map(({ text, ids }) => this.line_of(text, ids));
    if (draft.unplaced.length) lines.push(this.line_of(this.words.unplaced.replace("{ids}", draft.unplaced.join(", ")), []));
    if (draft.fits_calibration === false) lines.push(this.line_of(this.words.misfit, []));
    byId("checks").replaceChildren(...lines);
    const live = document.querySelector("[data-deed=live]");
    if (live) live.disabled = draft.faults.length > 0;
  }

  line_of(text, ids) {
    const row = document.createElement("li");
    row.textContent = text.charAt(0).toUpperCase() + text.slice(1);
    for (const kind of this.kinds) {
      const index = this.parts(kind).findIndex((part) => part.id && ids.includes(part.id));
      if (index < 0) continue;
      const button = Object.assign(document.createElement("button"), { type: "button", className: "plain", textContent: this.words.show });
      button.addEventListener("click", () => this.select(kind, index));
      row.append(" ", button);
      break;
    }
    return row;
  }

  say(text) {
    byId("state").textContent = text;
  }

  // ---- the box

  async call(method, path, body, headers = {}) {
    try {
      const json = body !== undefined && !(body instanceof Blob);
      const answer = await fetch(`/api/v1/plan/${path}`, {
        method, body: json ? JSON.stringify(body) : body, headers: { "x-csrf-token": csrf, ...(json ? { "Content-Type": "application/json" } : {}), ...headers },
      });
      const said = await answer.json();
      if (!answer.ok) this.say(`${said.title} ${said.detail}`);
      return { ok: answer.ok, status: answer.status, said, tag: answer.headers.get("ETag") };
    } catch {
      this.say(this.words.away);
      return { ok: false, status: 0 };
    }
  }

  saveSoon() {
    if (this.readOnly) return;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.save(), SAVE_MS);
  }

  async save() {
    clearTimeout(this.waiting);
    const { ok, status, said, tag } = await this.call("PUT", "draft", { plan: this.plan }, { "If-Match": this.tag });
    this.waiting = null;
    if (ok) {
      this.tag = tag;
      this.take(said);
      showParts(byId("parts"), this);
      this.say(this.words.kept);
    } else if (status === 412) await this.choose(said);
    return ok;
  }

  /** Somebody else saved meanwhile: mine or theirs. */
  async choose(said) {
    const theirs = await this.call("GET", "draft");
    if (!theirs.ok) return;
    this.tag = theirs.tag;
    const box = byId("state");
    const mine = Object.assign(document.createElement("button"), { type: "button", className: "plain", textContent: this.words.keep_mine });
    const other = Object.assign(document.createElement("button"), { type: "button", className: "plain", textContent: this.words.take_theirs });
    mine.addEventListener("click", () => this.save());
    other.addEventListener("click", () => {
      this.plan = theirs.said.plan;
      this.chosen = null;
      this.take(theirs.said);
      this.say("");
      this.show();
    });
    box.replaceChildren(said.title, " ", mine, other);
  }

  async upload(input) {
    const [file] = input.files;
    input.value = "";
    if (!file) return;
    if (file.size > 20e6) return this.say(this.words.too_large);
    const { ok, said } = await this.call("POST", "pictures", file, { "Content-Type": "application/octet-stream" });
    if (!ok) return;
    const width = 20;  // until two points of it were measured
    this.edit(() => Object.assign(this.plan, { picture: said.name, picture_box: [0, 0, width, (width * said.height_px) / said.width_px] }));
    this.canvas.fit();
    this.use("measure");
  }

  async bring(input) {
    const [file] = input.files;
    input.value = "";
    if (!file) return;
    const { ok, said } = await this.call("POST", "import", { text: await file.text(), plan: this.plan });
    if (!ok) return;
    this.edit(() => { this.plan = said.plan; });
    this.canvas.fit();
    this.say(said.said);
  }

  async advise() {
    this.advising = true;
    const asked = JSON.stringify(this.plan);
    const { ok, said } = await this.call("POST", "advice", { plan: this.plan });
    if (!ok || asked !== JSON.stringify(this.plan)) return;
    this.advice = { zones: Object.fromEntries(said.zones.map((zone) => [zone.zone, zone])), places: [] };
    this.say(this.words.advice_all.replace("{right}", Math.round(said.right * 10)));
    this.show();
  }

  async propose() {
    const { ok, said } = await this.call("POST", "places", { plan: this.plan, count: Number(byId("count").value) });
    if (!ok) return;
    this.advice = { zones: Object.fromEntries(said.advice.zones.map((zone) => [zone.zone, zone])), places: said.places };
    this.say(this.words.advice_all.replace("{right}", Math.round(said.advice.right * 10)));
    document.querySelector("[data-deed=accept]").hidden = false;
    this.show();
  }

  accept() {
    const places = this.advice?.places ?? [];
    document.querySelector("[data-deed=accept]").hidden = true;
    this.edit(() => { for (const place of places) this.plan.scanners = [...this.parts("scanners"), this.made("scanners", [place])]; });
  }

  async putToWork() {
    byId("confirm").close();
    if (this.waiting && !(await this.save())) return;
    const { ok } = await this.call("POST", "live", undefined, { "If-Match": this.tag });
    if (!ok) return;
    this.say(this.words.taking_up);
    document.querySelector("[data-deed=live]").disabled = true;
    await this.back();
    location.assign("/shop/plan");
  }

  /** Wait until the box answers again with the new plan. */
  async back() {
    for (let tries = 0; tries < 60; tries++) {
      await new Promise((done) => setTimeout(done, 1000));
      const answer = await fetch("/readyz").catch(() => null);
      if (answer?.ok) return;
    }
  }
}

new Editor();
