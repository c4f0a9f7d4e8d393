// A presentation is as large as the screen lets what is in question be whole: the rows of the first stage that are marked so.
// It is somewhat smaller where that brings the rest of this stage, and the controls that a lesson names, into sight as well.
// Below it stands a lesson's question, on one line as large as that allows, or on more.
const LARGEST = 2.4, SMALLEST = 0.5, BY = 0.05, EDGE = 8; // how many times as large as at a desk, and pixels that stay free below
const FOR_PARTS = 0.85, FOR_CONTROLS = 0.9; // the least share of their size that pictures keep so that more is in sight

const CAPTION = [2, 1.7, 1.25]; // the caption in percent of the screen's width: largest, smallest on one line, and on two

const rounded = (value) => Math.round(100 * value) / 100;

function fitPresentation() {
  const root = document.documentElement;
  let isPresentation = false;
  let fitted = {}; // what was fitted last, with what open in the rail, and the size

  // The view, and what is open of its stop in a lesson: opening that moves no picture.
  function shown() {
    const query = new URLSearchParams(window.location.search), title = document.querySelector(".st-key-lesson strong")?.textContent;
    for (const name of ["hint", "answer", "said"]) query.delete(name);
    const folds = [...document.querySelectorAll('[class*="st-key-lesson-hint-"], [class*="st-key-lesson-answer-"]')];
    return [[title, query, window.innerWidth, window.innerHeight].join(" "), title ? folds.map((one) => one.textContent).join(" ") : ""];
  }

  // Makes the lesson's question as large as it fits, and says how high it is: 0 where none is seen.
  function caption() {
    const words = document.querySelector(".st-key-lesson-caption [data-testid='stMarkdown']"), box = words?.closest("[data-testid='stLayoutWrapper']");
    if (!box?.getClientRects().length) return 0;
    box.setAttribute("aria-hidden", "true"); // the rail says it
    const percent = window.innerWidth / 100, [large, least, smallest] = CAPTION.map((size) => Math.round(size * percent));
    const linesAt = (size) => {
      root.style.setProperty("--caption-size", `${size}px`);
      return Math.round(words.getBoundingClientRect().height / (1.25 * size));
    };
    let size = large;
    while (size > least && linesAt(size) > 1) size--;
    while (size > smallest && linesAt(size) > 2) size--;
    linesAt(size);
    return box.getBoundingClientRect().height;
  }

  // Makes it so large, and says whether all of them are seen then, once the page is scrolled to its top.
  function isWhole(parts, main, value, below) {
    root.style.setProperty("--fit", String(value));
    const bottom = Math.max(...parts.map((part) => part.getBoundingClientRect().bottom));
    const line = document.querySelector(".stage .reading")?.getBoundingClientRect().height ?? 0; // it stays at the screen's edge
    return bottom + main.scrollTop + line <= window.innerHeight - sheet() - below - EDGE && main.scrollWidth <= main.clientWidth;
  }

  // The height of the lesson's sheet, where it lies below the page.
  function sheet() {
    const lesson = document.querySelector(".st-key-lesson");
    return lesson && window.innerWidth < 1200 ? 0.42 * window.innerHeight : 0;
  }

  // The largest size between two at which all of them are whole; the smaller of the two where none is.
  function largest(parts, main, from, to, below) {
    let value = from;
    while (value > to && !isWhole(parts, main, value, below)) value = rounded(Math.max(to, value - BY));
    return value;
  }

  function fit() {
    const main = document.querySelector('[data-testid="stMain"]'), stage = document.querySelector(".stage");
    const rows = [...stage?.querySelectorAll(".fits") ?? []];
    if (!isPresentation) root.style.removeProperty("--fit");
    const below = isPresentation ? caption() : 0;
    root.style.setProperty("--caption", `${below}px`);
    if (!isPresentation || !main || !rows.length) return;
    const [view, opened] = shown();
    if (fitted.view === view && fitted.opened !== opened) return root.style.setProperty("--fit", String(fitted.size));
    const size = largest(rows, main, LARGEST, SMALLEST, below), parts = [...stage.querySelectorAll(".part")];
    const controls = main.querySelectorAll('[class*="st-key-in-sight-"]');
    let found = size;
    for (const [wanted, share] of [[parts, FOR_PARTS], [[...parts, ...controls], FOR_CONTROLS]]) {
      const smaller = largest(wanted, main, found, rounded(share * found), below);
      if (isWhole(wanted, main, smaller, below)) found = smaller;
    }
    isWhole(rows, main, found, below);
    fitted = { view, opened, size: found };
  }

  // Whether the page has become a presentation, or is none any more.
  function look() {
    const was = isPresentation;
    isPresentation = document.querySelector(".presents") !== null;
    if (isPresentation !== was) fit();
  }

  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
  for (const when of ["stage-drawn", "page-drawn"]) document.addEventListener(when, fit);
  window.addEventListener("resize", fit);
  look(); // the first page may be drawn already
}
