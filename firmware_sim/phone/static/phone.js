// The phone: asks once a second what has arrived, draws a card once, and sends what the thumb does.

const WORDS = await (await fetch("words")).json(); // in every language, from the one catalogue
const ASK_MS = 1000;
const cards = document.querySelector("#cards");
const link = document.querySelector("#link");
const consent = document.querySelector("#consent");
const switcher = document.querySelector("#language");
const drawn = new Map(); // promise -> what the card looked like
let language = Object.keys(WORDS)[0];

const word = (name) => WORDS[language][name];

function make(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = text ?? "";
  Object.assign(element, attributes);
  return element;
}

async function send(path, body) {
  await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  await ask();
}

const react = (promise, what, answer) => send("reactions", { promise, what, answer });

function button(text, action, kind = "") {
  return make("button", text, { type: "button", className: kind, onclick: action });
}

function actions(card) {
  const { promise, did } = card;
  if (did.includes("dismissed")) return [make("p", word("dismissed"), { className: "state" })];
  if (did.includes("redeemed")) return [make("p", word("redeemed"), { className: "state" })];
  const later = button(word("later"), () => react(promise, "dismissed"), "quiet");
  if (card.question) {
    if (did.includes("tapped")) return [make("p", word("answered"), { className: "state" })];
    const answers = Object.entries(card.question.answers);
    return [...answers.map(([id, text]) => button(text, () => react(promise, "tapped", id))), later];
  }
  if (!did.includes("tapped")) return [button(word("look"), () => react(promise, "tapped")), later];
  if (card.voucher) return [button(word("redeem"), () => react(promise, "redeemed"))];
  if (!card.invitation) return [make("p", word("looked"), { className: "state" })];
  if (did.includes("shared")) return [make("p", word("shared"), { className: "state" })];
  return [button(word("share"), () => react(promise, "shared"))];
}

function draw(card) {
  const article = make("article", "", { className: "card", id: `card-${card.promise}` });
  article.dataset.kind = card.kind;
  article.append(make("h2", card.content.title ?? card.content.question ?? ""));
  if (card.content.body) article.append(make("p", card.content.body));
  if (card.proof) article.append(make("p", card.proof.source, { className: "proof" }));
  if (card.voucher && card.did.includes("tapped")) {
    const ends = new Date(card.voucher.ends_at).toLocaleString(language, { dateStyle: "short", timeStyle: "short" });
    article.append(make("p", card.voucher.code, { className: "code" }), make("p", `${word("until")} ${ends}`, { className: "until" }));
  }
  const row = make("div", "", { className: "actions" });
  row.append(...actions(card));
  article.append(row);
  return article;
}

function show(news) {
  link.textContent = word(news.connected ? "here" : "away");
  link.dataset.connected = news.connected;
  consent.checked = news.consent;
  document.querySelector("#empty").hidden = news.cards.length > 0;
  for (const card of [...news.cards].reverse()) {
    const look = JSON.stringify([card, language]);
    if (drawn.get(card.promise) === look) continue;
    const before = document.getElementById(`card-${card.promise}`);
    if (before) before.replaceWith(draw(card));
    else {
      cards.prepend(draw(card));
      if (!card.did.includes("shown")) react(card.promise, "shown");
    }
    drawn.set(card.promise, look);
  }
}

async function ask() {
  try {
    show(await (await fetch("cards")).json());
  } catch {
    link.textContent = word("away");
    link.dataset.connected = false;
  }
}

function speak(code) {
  language = code;
  document.documentElement.lang = code;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = word(element.dataset.word);
  switcher.textContent = word("other");
  switcher.lang = word("otherCode");
}

switcher.addEventListener("click", () => {
  speak(word("otherCode"));
  ask();
});
consent.addEventListener("change", () => send("consent", { yes: consent.checked }));
const asked = new URLSearchParams(location.search).get("lang");
speak(asked in WORDS ? asked : language);
ask();
setInterval(() => document.hidden || ask(), ASK_MS);
