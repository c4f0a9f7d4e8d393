// Copies the address that the server gives: this computer's own name for itself would mean nothing to another one.
const READY = "Copy address", DONE = "Copied", TOLD = "The address is copied: paste it where you want to send it.";

async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea"); // a classroom's plain http has no clipboard of the other kind
  field.value = text;
  document.body.append(field);
  field.select();
  const isDone = document.execCommand("copy");
  field.remove();
  if (!isDone) throw new Error("not copied");
}

// It is copied as soon as the menu opens: that was asked for by a press, which a browser remembers for a few seconds.
export default function ({ data, parentElement }) {
  const button = parentElement.querySelector("button"), status = parentElement.querySelector("[role=status]");
  const take = async () => {
    await copy(data.address);
    button.textContent = DONE;
    setTimeout(() => { button.textContent = READY; }, 2000);
  };
  button.textContent = READY;
  button.title = "Copies a link to exactly this view";
  button.onclick = take;
  if (parentElement.isOpen) return;
  parentElement.isOpen = true;
  take().then(() => { status.textContent = TOLD; }, () => {}); // a browser that forbids it has the button
}
