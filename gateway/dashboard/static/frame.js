// What every page has: a form's text that outlives a lost session, the first fault in focus, and menus that close.

const key = (form) => `kept ${location.pathname} ${form.action}`;
const plain = (field) => field.name && field.name !== "csrf" && !("secret" in field.dataset) && field.type !== "password";

for (const form of document.querySelectorAll("form[data-keep]")) {
  const faulty = form.querySelector("#faults");
  if (!faulty) restore(form);
  form.addEventListener("input", () => keep(form));
  form.addEventListener("submit", () => {
    keep(form);
    form.dataset.sent = "";
  });
}

// Sent and taken: the page that comes next has no faults, and what was kept for it goes.
if (!document.querySelector("#faults")) forgetSent();
document.querySelector("#faults")?.focus();

addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.me[open]")) if (!menu.contains(event.target)) menu.open = false;
});
addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.me[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

function keep(form) {
  const values = [...form.elements].filter(plain).map((field) => [field.name, field.type === "radio" ? (field.checked ? field.value : null) : field.value]);
  sessionStorage.setItem(key(form), JSON.stringify(values.filter(([, value]) => value !== null)));
}

function restore(form) {
  for (const [name, value] of JSON.parse(sessionStorage.getItem(key(form)) ?? "[]")) {
    const field = form.elements.namedItem(name);
    if (field) field.value = value;
  }
}

function forgetSent() {
  addEventListener("pagehide", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) sessionStorage.setItem("sent", key(form));
  });
  const sent = sessionStorage.getItem("sent");
  if (sent && !sent.startsWith(`kept ${location.pathname} `) && !location.pathname.startsWith("/sign-in")) {
    sessionStorage.removeItem(sent);
    sessionStorage.removeItem("sent");
  }
}
