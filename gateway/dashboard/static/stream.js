// One EventSource while the page is seen. A hidden tab lets go of it: browsers allow only six streams to one address.

const BEAT_MS = 250;

export function follow(address, lastId, show) {
  let source = null;
  let rows = [];
  let waiting = null;

  // Rows of one beat are drawn together: one layout for all of them.
  const flush = () => {
    waiting = null;
    show.items(rows, false);
    rows = [];
  };

  const open = () => {
    source = new EventSource(`${address}?after=${encodeURIComponent(lastId)}`);
    const on = (name, take) => source.addEventListener(name, (event) => {
      lastId = event.lastEventId || lastId;
      take(JSON.parse(event.data));
    });
    on("snapshot", (snapshot) => {
      show.live(true);
      show.frame(snapshot.frame);
      show.health(snapshot.health);
      show.items(snapshot.rows, snapshot.fresh);
    });
    on("frame", show.frame);
    on("health", show.health);
    on("item", (row) => {
      rows.push(row);
      waiting ??= setTimeout(flush, BEAT_MS);
    });
    source.addEventListener("error", () => {
      show.live(false);
      if (source.readyState === EventSource.CLOSED) {  // refused, not just cut off: the browser doesn't try again by itself
        close();
        setTimeout(() => document.hidden || source || open(), 5000);
      }
    });
  };

  const close = () => {
    source?.close();
    source = null;
  };

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else if (!source) open();
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", () => document.hidden || source || open());
  if (!document.hidden) open();
}
