// Page Down and Page Up lead through a lesson, as the two keys of a remote control: forward opens the answer, then the next stop.
// Every press counts, also one that comes while a stop is opening: it waits for that stop, and is made once more where the page
// has lost it.
const FORWARD = "PageDown", BACKWARD = "PageUp";
const MOST_TURNS = 40; // that wait
const GIVEN_UP_MS = 30_000, MADE_AGAIN_MS = 5000; // without a change; with a page that is at rest
const AT_REST = '[data-test-script-state="notRunning"]';
const SHUT_OFF = 'dialog[open], [role="dialog"][aria-modal="true"], [data-testid="stDialog"], [aria-expanded="true"]:focus';

function turnStops() {
  const waiting = []; // presses that are still to be made
  let left = null, made = 0, restful = 0, timer; // what the last press was made on, and when; since when the page has been at rest

  const title = () => document.querySelector(".st-key-lesson strong")?.textContent ?? "";
  // Of the stop that the title names: while a stop opens, buttons of the last one are there for a moment.
  const button = (name) => document.querySelector(`.st-key-lesson-${name}-${/\d+/.exec(title())?.[0]} button`);
  const start = () => document.querySelector('.st-key-lessons [class*="st-key-start-"] button');
  const last = () => document.querySelector(".st-key-lesson-last button"); // beside the last word of a lesson
  const isClosed = () => button("answer")?.textContent.startsWith("Answer") ?? false;

  // Stop, and whether its answer is open; null while neither a stop nor the start or the end of a lesson is on the page.
  function place() {
    if (title()) return button("next") && button("answer") ? `${title()} ${isClosed()}` : null;
    if (last()) return "end";
    return start() ? "start" : null;
  }

  function target(key) {
    if (place() === "end") return key === BACKWARD ? last() : null;
    if (place() === "start") return key === FORWARD ? start() : null;
    if (key === BACKWARD) return button("back");
    return isClosed() ? button("answer") : button("next");
  }

  function make(key) {
    const found = target(key);
    if (!found || found.disabled) return;
    [left, made, restful] = [[place(), key], performance.now(), 0];
    found.click();
  }

  // Whether the last press has not led anywhere yet.
  function isOnTheWay(now) {
    if (left === null) return false;
    if (now - made > GIVEN_UP_MS) waiting.length = 0;
    else if (place() === null || place() === left[0]) return true;
    left = null;
    return false;
  }

  function repeatIfLost(now) {
    if (!document.querySelector(AT_REST) || place() === null) restful = 0;
    else if (!restful) restful = now;
    else if (now - restful > MADE_AGAIN_MS) make(left[1]);
  }

  function goOn() {
    const now = performance.now();
    if (isOnTheWay(now)) return repeatIfLost(now);
    if (waiting.length) return make(waiting.shift());
    clearInterval(timer);
    timer = undefined;
  }

  document.addEventListener("keydown", (event) => {
    if ((event.key !== FORWARD && event.key !== BACKWARD) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector(SHUT_OFF) || (place() === null && left === null)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    document.activeElement?.blur();
    if (event.repeat || waiting.length >= MOST_TURNS) return;
    waiting.push(event.key);
    goOn();
    timer ??= setInterval(goOn, 50);
  }, true);
}
