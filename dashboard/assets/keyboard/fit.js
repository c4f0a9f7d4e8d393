// A presentation is as large as the screen lets what is in question be whole: the rows of the first stage that are marked so.
const LARGEST = 2.4, SMALLEST = 0.5, BY = 0.05, EDGE = 8; // how many times as large as at a desk, and pixels that stay free below

function fitPresentation() {
  const root = document.documentElement;
  let isPresentation = false;

  // Whether all of it is seen, once the page is scrolled to its top.
  function isWhole(rows, main, value) {
    root.style.setProperty("--fit", String(value));
    const bottom = Math.max(...rows.map((row) => row.getBoundingClientRect().bottom));
    const line = document.querySelector(".stage .reading")?.getBoundingClientRect().height ?? 0; // it stays at the screen's edge
    return bottom + main.scrollTop + line <= window.innerHeight - sheet() - EDGE && main.scrollWidth <= main.clientWidth;
  }

  // The height of the lesson's sheet, where it lies below the page.
  function sheet() {
    const lesson = document.querySelector(".st-key-lesson");
    return lesson && window.innerWidth < 1200 ? 0.42 * window.innerHeight : 0;
  }

  function fit() {
    const main = document.querySelector('[data-testid="stMain"]'), stage = document.querySelector(".stage");
    const rows = [...stage?.querySelectorAll(".fits") ?? []];
    if (!isPresentation) root.style.removeProperty("--fit");
    if (!isPresentation || !main || !rows.length) return;
    for (let value = LARGEST; value >= SMALLEST; value -= BY) if (isWhole(rows, main, Math.round(100 * value) / 100)) return;
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
