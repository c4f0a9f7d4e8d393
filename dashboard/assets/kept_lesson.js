// The lesson that is being written, kept in this browser. What a field holds is kept with each letter: Streamlit's server gets it
// only when the field is left, and a page that is loaded anew before that would have lost it.
const LESSON = "grad-cam-dashboard.lesson.1", DRAFT = "grad-cam-dashboard.stop.1";
const FIELD = /(?:^|\s)st-key-write-(title|question|hint|answer|choice-\d)(?:\s|$)/;

let send = () => {}; // to the server, by the element that is there now
let telling; // again and again, until the server has heard it: a run that begins at that moment drops what was sent
const AGAIN_MS = 2000;

function fieldOf(element) {
  for (let above = element; above; above = above.parentElement) {
    const found = FIELD.exec(typeof above.className === "string" ? above.className : "");
    if (found) return found[1];
  }
  return undefined;
}

function parsed(text) {
  try {
    const found = JSON.parse(text);
    return found && typeof found === "object" && !Array.isArray(found) ? found : {};
  } catch { return {}; }
}

function write(key, text) {
  try {
    if (localStorage.getItem(key) !== text) localStorage.setItem(key, text);
    return "";
  } catch (error) { return error.name; }
}

function read() {
  try {
    return { lesson: localStorage.getItem(LESSON), draft: localStorage.getItem(DRAFT), failed: "" };
  } catch (error) { return { lesson: null, draft: null, failed: error.name }; }
}

// What is being typed is newer than what the server has.
function withTyped(draft) {
  const focused = document.activeElement, name = fieldOf(focused);
  return name === undefined ? draft : { ...draft, [name]: focused.value };
}

function keepTyped(event) {
  const name = fieldOf(event.target);
  if (name === undefined || typeof event.target.value !== "string") return;
  write(DRAFT, JSON.stringify({ ...parsed(read().draft), [name]: event.target.value }));
}

// Letters and arrows in the form are none for the page behind it.
function keepKeys(event) {
  if (event.target instanceof Element && event.target.closest('[data-testid="stDialog"]') && event.key !== "Escape") event.stopPropagation();
}

function begin() {
  if (window.keepsLesson) return;
  window.keepsLesson = true;
  document.addEventListener("input", keepTyped, true);
  window.addEventListener("storage", (event) => { // another tab has changed it
    if (event.key === LESSON && event.newValue) send({ lesson: event.newValue });
  });
}

function tell(atOnce) {
  const say = () => send({ ...read(), opens: true });
  clearInterval(telling);
  telling = setInterval(say, AGAIN_MS);
  if (atOnce) say();
}

export default function ({ data, parentElement, setTriggerValue }) {
  begin();
  const host = parentElement.host ?? parentElement, opens = !host.keptStamp, [lesson, draft] = JSON.parse(data.kept);
  host.keptStamp = data.stamp ?? "none";
  send = (found) => setTriggerValue("kept", { failed: "", ...found });
  document.body.removeEventListener("keydown", keepKeys);
  document.body.addEventListener("keydown", keepKeys);
  if (data.stamp === null) {
    tell(opens);
    return () => clearInterval(telling);
  }
  clearInterval(telling);
  if (data.stamp !== window.keptStamp) {
    window.keptStamp = data.stamp;
    const failed = write(LESSON, JSON.stringify(lesson)) || write(DRAFT, JSON.stringify(withTyped(draft)));
    if (failed) send({ failed });
    return;
  }
  const found = read(); // as another tab, or somebody who typed and left, has made it
  const isNews = found.lesson !== JSON.stringify(lesson) || found.draft !== JSON.stringify(draft);
  if (opens && isNews) send({ ...found, opens });
}
