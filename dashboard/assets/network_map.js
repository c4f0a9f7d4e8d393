// The drawing of a network, in which a layer is a link: a click or Enter hooks it here, with a key held down the browser opens it.
export default function ({ data, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".network-map"), focused = place.contains(document.activeElement) && document.activeElement.dataset.layer;
  place.innerHTML = data.svg;
  place.onclick = (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    setTriggerValue("layer", link.dataset.layer);
  };
  if (focused) [...place.querySelectorAll("a")].find((link) => link.dataset.layer === focused)?.focus({ preventScroll: true });
}
