// Back takes one press a step, and returns to where the page was scrolled to. Streamlit makes the entries of the history; three
// things are mended here. An address that is there already makes no entry. Neither does one that completes the entry before it:
// a bare address, or another page's right after its query, which is how Streamlit goes to a page with a query. And each entry
// keeps how far its page was scrolled, which is asked for again once the page is tall enough.
const REST_MS = 150; // without scrolling, until a place counts as where one is
const STANDS_MS = 500; // without a run, until a page counts as drawn
const GROWING_MS = 10_000; // for which a page may go on growing

const scroller = () => document.querySelector('[data-testid="stMain"]');
const isRunning = () => document.querySelector("[data-test-script-state]")?.dataset.testScriptState !== "notRunning";

function keepHistory() {
  const push = history.pushState.bind(history), replace = history.replaceState.bind(history);
  let isTouched = true; // whether somebody has done anything since the newest entry was made
  let restoring = null, resting;

  function note() {
    clearTimeout(resting);
    const main = scroller();
    if (main && !restoring && history.state?.top !== main.scrollTop) replace({ ...history.state, top: main.scrollTop }, "");
  }

  function isCompleted(to) {
    const { href, pathname, search } = window.location;
    if (to.href === href) return true;
    return to.pathname === pathname ? search === "" : to.search === search && !isTouched;
  }

  history.replaceState = (state, title, url) => replace({ top: history.state?.top, ...state }, title, url);
  history.pushState = (state, title, url) => {
    const to = new URL(url ?? "", window.location.href);
    if (isCompleted(to)) return history.replaceState(state, title, url);
    const stays = to.pathname === window.location.pathname; // at another page's address this one is empty already
    if (stays) note();
    restoring = null;
    isTouched = false;
    return push(stays ? { top: scroller()?.scrollTop, ...state } : state, title, url);
  };

  // Until the page stands, or somebody does something.
  function restore(now) {
    const main = scroller();
    if (!restoring || !main) return;
    const { top } = restoring, room = main.scrollHeight - main.clientHeight;
    if (isRunning()) restoring.stood = now;
    if (Math.abs(main.scrollTop - top) > 1 && room >= top - 1) main.scrollTo({ top, behavior: "instant" });
    if (now > restoring.end || now - restoring.stood > STANDS_MS) restoring = null;
    else requestAnimationFrame(restore);
  }

  function touch(event) {
    isTouched = true;
    restoring = null;
    if (event.type !== "wheel") note(); // it may be the click that leaves the page
  }

  window.addEventListener("popstate", (event) => {
    clearTimeout(resting);
    isTouched = true;
    const now = performance.now();
    restoring = Number.isFinite(event.state?.top) ? { top: event.state.top, stood: now, end: now + GROWING_MS } : null;
    requestAnimationFrame(restore);
  });
  for (const kind of ["pointerdown", "keydown", "wheel", "touchstart"]) window.addEventListener(kind, touch, { capture: true, passive: true });
  document.addEventListener("scroll", () => {
    clearTimeout(resting);
    resting = setTimeout(() => isRunning() || note(), REST_MS); // a page that is drawn anew scrolls by itself
  }, { capture: true, passive: true });
}

export default function () {
  if (window.keepsHistory) return;
  window.keepsHistory = true;
  keepHistory();
}
