// All keys of the page in a dialog: ? opens and closes it, Escape closes it.
const TYPED_INTO = 'input:not([type="checkbox"], [type="radio"], [type="range"]), textarea, [contenteditable="true"]';
let list, groups = []; // the dialog, and of the page [title, [[keys, what they do], ...]]

function fill(dialog) {
  dialog.replaceChildren(part("h2", "Keys"));
  for (const [title, rows] of groups) {
    const table = part("table");
    table.append(part("caption", title), ...rows.map(([keys, words]) => {
      const row = part("tr"), head = part("th");
      head.scope = "row";
      head.append(...keys.split(/(, )/).map((text) => (text === ", " ? text : part("kbd", text))));
      row.append(head, part("td", words));
      return row;
    }));
    dialog.append(table);
  }
  const close = part("button", "Close");
  close.type = "button";
  close.onclick = () => dialog.close();
  dialog.append(close);
}

function part(name, text) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  return made;
}

// The page's own keys rest while the list is open.
function rest(event) {
  event.stopPropagation();
  if (event.key === "?") event.currentTarget.close();
}

function openKeyList() {
  if (!list?.isConnected || list.open) return;
  fill(list);
  list.showModal();
}

// The dialog of the page that is shown, and the keys that are in it.
function showKeys(root, data) {
  list = root.querySelector("dialog");
  groups = data.groups;
  list.onkeydown = rest;
  list.onclick = (event) => {
    if (event.target === event.currentTarget) event.currentTarget.close(); // beside it
  };
  root.querySelector(".all-keys").onclick = openKeyList;
}

function listKeys() {
  document.addEventListener("keydown", (event) => {
    const isTyped = event.composedPath().some((one) => one instanceof Element && one.matches(TYPED_INTO));
    if (event.key === "?" && !isTyped && !event.ctrlKey && !event.metaKey && !event.altKey) openKeyList();
  });
}
