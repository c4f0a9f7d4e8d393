// Keys for somebody without a mouse, which Streamlit's page does not have.
// Space, Home and End scroll: what scrolls is a part of the page, so that they do nothing until somebody has clicked there.
// Escape leaves a field, a slider or a grid, so that the page's own keys work again.
const SCREEN = 0.85; // of what is seen, so that some of it stays in sight
const QUIET = 'body, a, [data-testid="stMain"]'; // what has no use for these keys itself

function place(event, main) {
  if (event.key === " ") return main.scrollTop + (event.shiftKey ? -SCREEN : SCREEN) * main.clientHeight;
  if (event.key === "Home") return 0;
  return event.key === "End" ? main.scrollHeight : undefined;
}

function scroll(event) {
  const main = document.querySelector('[data-testid="stMain"]');
  const top = main && event.target.matches(QUIET) ? place(event, main) : undefined;
  if (top === undefined) return;
  event.preventDefault();
  main.scrollTo({ top });
}

// A list or a menu that is open closes with the first Escape, and is left with the next one.
const isOpen = (element) => element.getAttribute("aria-expanded") === "true" || document.querySelector('[data-baseweb="popover"]');

function leave(event) {
  const focused = document.activeElement;
  if (!focused || focused.matches(QUIET) || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && !isOpen(focused)) focused.blur();
}

function roomKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.target instanceof Element)) return;
    leave(event);
  }, true);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.target instanceof Element)) return;
    scroll(event);
  });
}

export default function ({ data, parentElement }) {
  showKeys(parentElement, data);
  // The sign beside the title is for a pointer: whoever goes by the Tab key is at what can be changed at once.
  document.querySelector(".st-key-context-line h1 button")?.setAttribute("tabindex", "-1");
  if (window.hasRoomKeys) return;
  window.hasRoomKeys = true;
  for (const begin of [giveFocusBack, listKeys, fitPresentation, followRail, turnStops, roomKeys]) begin();
}
