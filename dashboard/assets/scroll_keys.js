// Streamlit scrolls a part of the page and not the page, so that the keys for it do nothing until somebody has clicked there.
// Here they scroll whenever nothing else has the focus, which may have a use for them.
const SCREEN = 0.85; // of what is seen, so that some of it stays in sight

function target(event, main) {
  if (event.key === " ") return main.scrollTop + (event.shiftKey ? -SCREEN : SCREEN) * main.clientHeight;
  if (event.key === "Home") return 0;
  return event.key === "End" ? main.scrollHeight : undefined;
}

function scroll(event) {
  const main = document.querySelector('[data-testid="stMain"]');
  if (!main || event.target !== document.body || event.ctrlKey || event.metaKey || event.altKey) return;
  const top = target(event, main);
  if (top === undefined) return;
  event.preventDefault();
  main.scrollTo({ top });
}

export default function () {
  if (window.scrollsByKey) return;
  window.scrollsByKey = true;
  document.addEventListener("keydown", scroll);
}
