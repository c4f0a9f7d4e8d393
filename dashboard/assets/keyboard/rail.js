// What has just been opened in a lesson's rail is seen, from its beginning if it is longer than the rail: the answer of a reader
// that is set beside it belongs to it.
function followRail() {
  let said = ""; // what stands last in it

  function follow() {
    const lesson = document.querySelector(".st-key-lesson"), parts = lesson?.querySelectorAll('[data-testid="stMarkdown"]') ?? [];
    const last = parts[parts.length - 1], now = parts.length > 2 ? last.textContent : ""; // behind the stop's title and its question
    if (now === said) return;
    said = now;
    if (!now) return;
    const first = lesson.querySelector(".st-key-lesson-said") ?? last;
    const height = last.getBoundingClientRect().bottom - first.getBoundingClientRect().top;
    if (height > lesson.clientHeight) first.scrollIntoView({ block: "start" });
    else last.scrollIntoView({ block: "end" });
  }

  new MutationObserver(follow).observe(document.body, { childList: true, subtree: true, characterData: true });
}
