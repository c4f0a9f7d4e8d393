// A presentation is as large as the screen lets what is in question be whole: the rows of the first stage that are marked so.
const LARGEST = 2.4, SMALLEST = 0.5, BY = 0.05, EDGE = 8; // how many times as large as at a desk, and pixels that stay free below

function fitPresentation() {
  const root = document.documentElement;
  let size = 1;

  const set = (value) => {
    size = value;
    root.style.setProperty("--fit", String(value));
  };

  // Whether all of it is seen, once the page is scrolled to its top.
  function isWhole(rows, main, value) {
    set(value);
    const bottom = Math.max(...rows.map((row) => row.getBoundingClientRect().bottom));
    const line = document.querySelector(".stage .reading")?.getBoundingClientRect().height ?? 0; // it stays at the screen's edge
    return bottom + main.scrollTop * value + line <= window.innerHeight - sheet() - EDGE && main.scrollWidth <= main.clientWidth;
  }

  // The height of the lesson's sheet, where it lies below the page.
  function sheet() {
    const lesson = document.querySelector(".st-key-lesson");
    return lesson && window.innerWidth < 1200 ? 0.42 * window.innerHeight : 0;
  }

  function fit() {
    const main = document.querySelector('[data-testid="stMain"]'), rows = [...document.querySelector(".stage")?.querySelectorAll(".fits") ?? []];
    const presents = getComputedStyle(root).getPropertyValue("--presents").trim() === "1";
    if (!presents || !main || !rows.length) return;
    for (let value = LARGEST; value >= SMALLEST; value -= BY) if (isWhole(rows, main, Math.round(100 * value) / 100)) return;
  }

  // What has just been opened in the rail is seen, from its beginning if it is longer than that.
  let opened = 0;

  function follow() {
    const lesson = document.querySelector(".st-key-lesson"), parts = lesson?.querySelectorAll('[data-testid="stMarkdown"]') ?? [];
    const last = parts[parts.length - 1];
    if (parts.length > opened && opened > 0) last.scrollIntoView({ block: last.offsetHeight > lesson.clientHeight ? "start" : "end" });
    opened = parts.length;
  }

  document.addEventListener("page-drawn", follow);
  for (const when of ["stage-drawn", "page-drawn"]) document.addEventListener(when, fit);
  window.addEventListener("resize", fit);
  fit(); // the first page may be drawn already
}
