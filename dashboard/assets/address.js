// Copies the page's address. An address without its query, as the navigation opens it, is completed in place: a link that
// is copied then says everything, and Back needs one press.
const READY = "Copy address", DONE = "Copied";

async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea"); // a classroom's plain http has no clipboard of the other kind
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

export default function ({ data, parentElement }) {
  if (!window.location.search && data.query) {
    window.history.replaceState(window.history.state, "", `${window.location.pathname}?${data.query}`);
  }
  const button = parentElement.querySelector("button");
  button.textContent = READY;
  button.title = "Copies a link that shows this very view";
  button.onclick = async () => {
    await copy(window.location.href);
    button.textContent = DONE;
    setTimeout(() => { button.textContent = READY; }, 2000);
  };
}
