// Beside the canvas: the list of parts and the numbers of the chosen one. All that the canvas does can be done here by keyboard.

const LANGUAGES = ["nl", "en"];

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

export function showParts(list, editor) {
  const focused = document.activeElement?.dataset?.part;
  const rows = [];
  for (const kind of editor.kinds) {
    editor.parts(kind).forEach((_, index) => {
      const here = editor.chosen?.kind === kind && editor.chosen.index === index;
      const faulty = editor.isFaulty(kind, index);
      rows.push(element("li", {}, element("button", {
        type: "button", class: "plain", "data-part": `${kind} ${index}`, "aria-pressed": String(here), onclick: () => editor.select(kind, index),
      }, `${faulty ? "⚠ " : ""}${editor.title(kind, index)}`, element("span", { class: "aside" }, ` ${editor.words[`one_${kind}`]}`))));
    });
  }
  if (!rows.length) rows.push(element("li", { class: "empty" }, editor.words.nothing_yet));
  list.replaceChildren(...rows);
  if (focused) list.querySelector(`[data-part="${focused}"]`)?.focus({ preventScroll: true });
}

export function showFields(box, editor) {
  const { chosen, words } = editor;
  if (!chosen) {
    box.replaceChildren(element("h2", {}, words.choose_title), element("p", { class: "aside" }, words.choose));
    return;
  }
  const { kind, index } = chosen;
  const part = editor.part(kind, index);
  const rows = [element("h2", { id: "fields-title" }, editor.title(kind, index))];
  const field = (label, value, take, type = "text", more = {}) => {
    const input = element("input", { type, value: value ?? "", autocomplete: "off", ...more, onchange: () => editor.edit(() => take(input.value)) });
    return element("div", { class: "row" }, element("label", {}, label, input));
  };
  if (kind === "zones") {
    const advice = editor.advice?.zones[part.id];
    if (advice) rows.push(element("p", { class: "aside" }, editor.saysAdvice(advice)));
    for (const language of LANGUAGES) {
      rows.push(field(`${words.name} ${language.toUpperCase()}`, part.name?.[language], (value) => { part.name = { ...part.name, [language]: value.trim() }; }, "text", { maxlength: 60 }));
    }
  } else if (kind === "scanners" || kind === "beacons") {
    rows.push(field(words.id, part.id, (value) => { part.id = value.trim(); }, "text", { maxlength: 64 }));
  }
  if (kind === "beacons") for (const key of ["uuid", "major", "minor"]) {
    rows.push(field(key, part[key], (value) => {
      if (value === "") delete part[key];
      else part[key] = key === "uuid" ? value.trim() : Number(value);
    }, key === "uuid" ? "text" : "number"));
  }
  if (kind === "walls") rows.push(field(words.loss, part.loss_db ?? 3, (value) => { part.loss_db = Number(value); }, "number", { min: 0, max: 60, step: 1 }));
  rows.push(points(editor, kind, index));
  rows.push(element("div", { class: "deeds" },
    element("button", { type: "button", class: "danger", onclick: () => editor.remove() }, words.remove)));
  const focused = document.activeElement?.dataset?.number;
  box.replaceChildren(...rows);
  if (focused) box.querySelector(`[data-number="${focused}"]`)?.focus({ preventScroll: true });
}

function points(editor, kind, index) {
  const { words } = editor;
  const line = editor.line(kind, index);
  const growing = kind === "zones" || kind === "walls";
  const least = kind === "zones" ? 3 : 2;
  const rows = line.map((point, corner) => element("tr", {},
    element("th", { scope: "row" }, String(corner + 1)),
    ...["x", "y"].map((axis, which) => element("td", {}, element("input", {
      type: "number", step: 0.1, value: point[which], "data-number": `${corner} ${axis}`, "aria-label": `${words.point} ${corner + 1} ${axis}, m`,
      onchange: (event) => editor.edit(() => {
        const moved = [...editor.line(kind, index)[corner]];
        moved[which] = Number(event.target.value);
        editor.setPoint(kind, index, corner, moved);
      }),
    }))),
    element("td", {}, growing && line.length > least ? element("button", {
      type: "button", class: "plain", "aria-label": `${words.remove_point} ${corner + 1}`, onclick: () => editor.edit(() => editor.line(kind, index).splice(corner, 1)),
    }, "×") : "")));
  const table = element("table", { class: "plan-points" }, element("caption", { class: "unseen" }, words.points),
    element("thead", {}, element("tr", {}, element("th", {}, element("span", { class: "unseen" }, words.point)), element("th", { scope: "col" }, "x (m)"), element("th", { scope: "col" }, "y (m)"), element("td"))),
    element("tbody", {}, ...rows));
  if (!growing) return table;
  return element("div", {}, table, element("button", {
    type: "button", class: "plain", onclick: () => editor.edit(() => {
      const ring = editor.line(kind, index);
      const [first, last] = [ring[0], ring.at(-1)];
      ring.push([Number(((first[0] + last[0]) / 2).toFixed(1)), Number(((first[1] + last[1]) / 2 + 0.5).toFixed(1))]);
    }),
  }, words.add_point));
}
