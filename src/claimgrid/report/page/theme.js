// Light or dark: the system's choice, or the reader's.

import { byId } from "./dom.js";

function stored() {
  try {
    return localStorage.getItem("claimgrid-theme");
  } catch {
    return null;
  }
}

/** Sets the colours and their button; `changed` is called when they change. */
export function theme(changed) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const set = (name) => {
    if (name) document.documentElement.dataset.theme = name;
    const now = name || (dark.matches ? "dark" : "light");
    byId("theme").textContent = now === "dark" ? "☀" : "☾";
    byId("theme").setAttribute(
      "aria-label",
      now === "dark" ? "Use light colours" : "Use dark colours",
    );
    return now;
  };
  let now = set(stored());
  byId("theme").addEventListener("click", () => {
    now = set(now === "dark" ? "light" : "dark");
    try {
      localStorage.setItem("claimgrid-theme", now);
    } catch {
      // A page opened from disk may have no storage: the choice then lasts as long as the page.
    }
    changed();
  });
  dark.addEventListener("change", () => {
    if (!document.documentElement.dataset.theme) now = set(null);
    changed();
  });
}
