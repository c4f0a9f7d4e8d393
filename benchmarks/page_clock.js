// Notes when the page last changed: anything in the document, or a picture that has finished loading.
(() => {
  const clock = { last: 0, answers: 0 };
  const QUIET = 400, PATIENCE = 60000; // milliseconds

  // What a run of the script changes, and a mere press does not; a short run may never show as running.
  const OF_A_RUN = new Set(["data-test-script-state", "data-stale", "src", "value"]);
  const isAnswer = (record) => record.type === "characterData" || OF_A_RUN.has(record.attributeName);

  const note = (records) => {
    clock.last = performance.now();
    if (records.some(isAnswer)) clock.answers += 1;
  };
  new MutationObserver(note).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
  document.addEventListener("load", (event) => event.target instanceof HTMLImageElement && note([]), true);

  const UNFINISHED = '[data-test-script-state="running"], [data-stale="true"], [data-testid="stSkeleton"]';
  const unfinished = () =>
    document.querySelector(UNFINISHED) || [...document.images].some((image) => !image.complete);

  // The last change before the page was quiet, once the server has answered; the quiet itself is not counted.
  clock.settled = (start, answers) =>
    new Promise((done, fail) => {
      const poll = setInterval(() => {
        const now = performance.now();
        const quiet = clock.answers > answers && now - Math.max(clock.last, start) > QUIET && !unfinished();
        if (!quiet && now - start < PATIENCE) return;
        clearInterval(poll);
        if (quiet) done({ elapsed: clock.last - start, moment: performance.timeOrigin + clock.last });
        else fail(new Error("the page went on changing, or never began to"));
      }, 25);
    });

  clock.press = (element) => {
    const answers = clock.answers, start = performance.now();
    element.click();
    return clock.settled(start, answers);
  };

  clock.pressKey = (key, code) => {
    const answers = clock.answers, start = performance.now();
    for (const kind of ["keydown", "keyup"]) {
      document.body.dispatchEvent(new KeyboardEvent(kind, { key, code, bubbles: true, cancelable: true }));
    }
    return clock.settled(start, answers);
  };

  window.pageClock = clock;
})();
