// The channels of a layer: a tile each over one picture that holds them all, or a bar each. A click, Enter or Space chooses
// one; arrow keys move. Elements are made anew only when the revision changes; what is picked or left out is only marked.

function bar(data, place) {
  const plot = element("span", "plot"), made = element("span", data.bars[place] < 0 ? "bar below" : "bar above");
  const share = Math.abs(data.bars[place]) / data.span * 100;
  made.style.height = `${share}%`;
  made.style.top = `${data.zero - (data.bars[place] < 0 ? 0 : share)}%`;
  plot.append(made);
  return plot;
}

function channel(data, place) {
  const button = numbered("channel", data.channels[place]);
  if (data.bars) button.append(bar(data, place));
  if (data.sprite) button.append(tile(data, place, data.width, data.height));
  if (data.numbers) button.append(element("span", "number", data.channels[place]));
  if (data.values) button.append(element("span", "value", data.values[place]));
  return button;
}

function mark(button, data, place) {
  const number = data.channels[place], picked = number === data.picked;
  const left = data.left_out.includes(number);
  button.classList.toggle("picked", picked);
  button.classList.toggle("left-out", left);
  const action = data.switches ? (left ? "left out; click to put it back" : "in the sum; click to leave it out") : "click to look at it";
  label(button, `Channel ${number}: ${data.words[place]}; ${action}`);
  button.setAttribute("aria-pressed", String(data.switches ? !left : picked));
}

function build(list, data) {
  list.className = data.bars ? "channels bars" : "channels tiles";
  // Bars stand as wide as what is written under them.
  const wide = data.values ? 48 : 4 + 7 * `${Math.max(...data.channels)}`.length, high = data.values ? 170 : data.channels.length > 128 ? 60 : 100;
  const style = { "--width": `${data.width}px`, "--height": `${data.height}px`, "--zero": `${data.zero}%`, "--bar": `${wide}px`, "--plot": `${high}px` };
  for (const [name, value] of Object.entries(style)) list.style.setProperty(name, value);
  showSprite(list, data, data.width);
  list.setAttribute("aria-label", data.title);
  list.replaceChildren(...data.channels.map((_, place) => channel(data, place)));
  for (const button of list.children) button.tabIndex = -1;
}

function legend(place, data) {
  place.hidden = !data.legend;
  if (!data.legend) return;
  const colours = element("span", "colours");
  colours.style.backgroundImage = `linear-gradient(to right, ${data.legend.colours.join(", ")})`;
  place.replaceChildren(element("span", "", data.legend.low), colours, element("span", "", data.legend.high), element("span", "words", data.legend.words));
}

// The picked channel is in sight, the Tab key enters at it, and the focus stays in the grid if it was there before.
function showPicked(list, focused) {
  const picked = list.querySelector(".picked") ?? list.firstElementChild;
  picked.tabIndex = 0;
  bringIntoSight(list, picked);
  if (focused) picked.focus({ preventScroll: true });
}

export default function ({ data, parentElement, setTriggerValue }) {
  const list = parentElement.querySelector(".channels");
  listen(list, "channel", (channel) => setTriggerValue("chosen", channel));
  const anew = list.dataset.revision !== data.revision, focused = list.contains(document.activeElement);
  if (anew) {
    list.dataset.revision = data.revision;
    legend(parentElement.querySelector(".legend"), data);
    build(list, data);
  }
  [...list.children].forEach((button, place) => mark(button, data, place));
  if (anew) showPicked(list, focused);
}
