// Notes when the page last changed: anything in the document, or a picture that has finished loading.
(() => {
  const clock = { last: 0, runs: 0 };
  const QUIET = 400, PATIENCE = 60000; // milliseconds

  const note = (records) => {
    clock.last = performance.now();
    if (records.some((record) => record.attributeName === "data-test-script-state")) clock.runs += 1;
  };
  new MutationObserver(note).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
  document.addEventListener("load", (event) => event.target instanceof HTMLImageElement && note([]), true);

  const UNFINISHED = '[data-test-script-state="running"], [data-stale="true"], [data-testid="stSkeleton"]';
  const unfinished = () =>
    document.querySelector(UNFINISHED) || [...document.images].some((image) => !image.complete);

  // The last change before the page was quiet, once the script has run; the quiet itself is not counted.
  clock.settled = (start, runs) =>
    new Promise((done, fail) => {
      const poll = setInterval(() => {
        const now = performance.now();
        const quiet = clock.runs > runs && now - Math.max(clock.last, start) > QUIET && !unfinished();
        if (!quiet && now - start < PATIENCE) return;
        clearInterval(poll);
        if (quiet) done({ elapsed: clock.last - start, moment: performance.timeOrigin + clock.last });
        else fail(new Error("the page went on changing, or never began to"));
      }, 25);
    });

  clock.press = (element) => {
    const runs = clock.runs, start = performance.now();
    element.click();
    return clock.settled(start, runs);
  };

  window.pageClock = clock;
})();
