// The live part of the first page: one stream while the tab is seen, its messages handed to the elements that show them.

import { LiveFeed } from "./feed.js";
import { LiveHealth, LiveStatus } from "./health.js";
import { LivePlan } from "./plan.js";
import { follow } from "./stream.js";
import { LiveFigures, LiveUnplaced, LiveZones } from "./zones.js";

const elements = {
  "live-feed": LiveFeed,
  "live-figures": LiveFigures,
  "live-health": LiveHealth,
  "live-plan": LivePlan,
  "live-status": LiveStatus,
  "live-unplaced": LiveUnplaced,
  "live-zones": LiveZones,
};
for (const [name, element] of Object.entries(elements)) customElements.define(name, element);

const shown = [...document.querySelectorAll(Object.keys(elements).join(","))];
const lastId = document.querySelector("live-feed").dataset.lastId;

follow("/api/v1/live", lastId, {
  frame: (frame) => shown.forEach((element) => element.frame?.(frame)),
  health: (health) => shown.forEach((element) => element.health?.(health)),
  items: (rows, fresh) => shown.forEach((element) => element.items?.(rows, fresh)),
  live: (live) => shown.forEach((element) => element.live?.(live)),
});
