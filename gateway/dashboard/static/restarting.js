// While the gateway starts anew: ask every 2 s whether it is ready, and go on by itself.

const ASK_MS = 2000;
const begun = Date.now();
const elapsed = document.getElementById("elapsed");

setInterval(async () => {
  elapsed.textContent = `${Math.round((Date.now() - begun) / 1000)} s`;
  try {
    if ((await fetch("/readyz", { cache: "no-store" })).ok) location.replace("/shop/settings");
  } catch {
    // it isn't back yet
  }
}, ASK_MS);
