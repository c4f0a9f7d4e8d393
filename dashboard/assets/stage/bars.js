// The probability of each class as a bar; a click makes it the target, and resting on it shows its map.

function makeBar(given) {
  const button = make("button", "class-bar"), name = make("span", "name", given.name), plot = make("span", "plot");
  const bar = make("span", "share");
  button.type = "button";
  button.dataset.class = given.index;
  button.classList.add(given.role);
  if (given.words) name.append(make("small", "", given.words));
  bar.style.width = `${100 * given.share}%`;
  plot.append(bar);
  button.append(name, plot, make("span", "number", given.text));
  if (given.before !== null) {
    const before = make("span", "before");
    before.style.left = `${100 * given.before}%`;
    plot.append(before);
    button.append(make("span", "change", given.change));
  }
  button.setAttribute("aria-pressed", String(given.role === "target"));
  button.setAttribute("aria-label", `${given.name}${given.words ? `, ${given.words}` : ""}: ${given.text}${given.change && `, change ${given.change}`}`);
  button.setAttribute("aria-description", "Explain this class");
  return button;
}

function makeBars(bars) {
  const group = make("div", "class-bars"), list = make("div", "list");
  group.style.setProperty("--width", `${bars.width}px`);
  list.setAttribute("role", "group");
  list.setAttribute("aria-label", bars.alt);
  list.classList.toggle("compared", bars.classes.some((one) => one.change));
  list.append(...bars.classes.map(makeBar));
  roving(list, ".class-bar", '[aria-pressed="true"]');
  const title = make("div", "title");
  title.append(make("span", "", bars.title));
  if (bars.help) title.append(helpMark(bars.help));
  group.append(title, list);
  if (bars.caption) group.append(make("div", "caption", bars.caption));
  return group;
}

// Numbers and words under their labels.
function makeFacts(facts) {
  const list = make("dl", "facts");
  for (const fact of facts) list.append(...partsOf(fact));
  return list;
}

function partsOf(fact) {
  const label = make("dt", "", fact.label);
  if (fact.help) label.append(helpMark(fact.help));
  return [label, make("dd", "value", fact.value), ...(fact.caption ? [make("dd", "caption", fact.caption)] : [])];
}

// The same side by side.
function makeTally(facts) {
  const list = make("dl", "tally");
  for (const fact of facts) {
    const box = make("div", "fact");
    box.append(...partsOf(fact));
    list.append(box);
  }
  return list;
}

// One tab stop for a list; arrow keys move in it.
function roving(list, each, first) {
  const all = [...list.querySelectorAll(each)];
  for (const one of all) one.tabIndex = -1;
  const entry = list.querySelector(first) ?? all[0];
  if (entry) entry.tabIndex = 0;
  list.onkeydown = (event) => {
    const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const here = all.indexOf(event.target.closest(each));
    if (!by || here < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const next = all[clip(here + by, 0, all.length - 1)];
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  };
}
