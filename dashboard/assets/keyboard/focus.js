// After a choice the focus returns to the page, whose keys work at once: after one by the pointer, or by Enter. Who walks by Tab,
// or moves a slider by its arrows, keeps the focus.
const CHOICES = ["stSelectbox", "stButtonGroup", "stCheckbox", "stRadio", "stSlider"].map((id) => `[data-testid="${id}"]`).join(", ");
const ENTERED = '[data-testid="stSelectbox"] [aria-expanded="true"], [role="radio"], [type="radio"]'; // where Enter makes the choice, without a click
// In this time Streamlit may give a list's field the focus back, and may take long to close the list; a key or the pointer ends it.
const LETTING_GO_MS = 3000, EVERY_MS = 50;

function giveFocusBack() {
  let hand = "", isEntered = false; // what was used last, and whether it chooses
  let until = 0, timer; // how long a choice is let go

  function letGo() {
    const focused = document.activeElement;
    const isOpen = focused?.getAttribute("aria-expanded") === "true";
    if (focused?.closest(`${CHOICES}, input[type="range"]`) && !isOpen) focused.blur();
  }

  function choose() {
    until = performance.now() + LETTING_GO_MS;
    clearInterval(timer);
    timer = setInterval(() => {
      if (performance.now() < until) letGo();
      else clearInterval(timer);
    }, EVERY_MS);
    setTimeout(letGo, 0);
  }

  window.addEventListener("keydown", (event) => {
    hand = event.key;
    until = 0;
    isEntered = event.key === "Enter" && event.target instanceof Element && event.target.closest(ENTERED) !== null;
  }, true);
  window.addEventListener("keyup", () => { // a mark is made when Enter is let go
    if (isEntered) choose();
    isEntered = false;
  }, true);
  window.addEventListener("pointerdown", () => {
    hand = "pointer";
    until = 0;
  }, true);
  document.addEventListener("click", (event) => {
    const isChoice = event.target instanceof Element && event.target.closest(`${CHOICES}, [role="option"]`);
    if (isChoice && (hand === "pointer" || hand === "Enter")) choose();
  }, true);
  window.addEventListener("pointerup", () => {
    if (document.activeElement?.matches('[role="slider"], input[type="range"]')) choose();
  }, true);
}
