// Copies the address that the server gives: this computer's own name for itself would mean nothing to another one.
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
  const button = parentElement.querySelector("button");
  button.textContent = READY;
  button.title = "Copies a link to exactly this view";
  button.onclick = async () => {
    await copy(data.address);
    button.textContent = DONE;
    setTimeout(() => { button.textContent = READY; }, 2000);
  };
}
