// Asks for the maps of all classes once nobody has done anything for a moment, and keeps them for the stage.
const IDLE = 800, PAINTED = 4000; // milliseconds, also since the last stroke over the picture, whose own questions come first

export default function ({ data, setTriggerValue }) {
  const head = unpack(data), names = Object.keys(head.maps);
  if (names.length) {
    const maps = Object.fromEntries(names.map((name) => [name, head.arrays[head.maps[name]]]));
    SHARED.classes = { key: head.key, maps };
    return undefined;
  }
  if (SHARED.classes?.key === head.key) return undefined;
  const ended = new AbortController();
  let waiting;
  const wait = () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, IDLE);
  };
  const ask = () => {
    if (performance.now() < SHARED.painter.moved + PAINTED) return wait();
    ended.abort();
    setTriggerValue("idle", head.key);
  };
  for (const event of ["keydown", "click"]) document.addEventListener(event, wait, { signal: ended.signal, capture: true });
  wait();
  return () => { clearTimeout(waiting); ended.abort(); };
}
