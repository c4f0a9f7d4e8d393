// Asks for bars and maps of what is painted while the pointer moves, and hands the answer to the stage.

export default function ({ data, setTriggerValue }) {
  const painter = SHARED.painter, head = unpack(data), ask = (what) => setTriggerValue("asked", what);
  painter.ask = ask;
  if (head.answers) painter.answer?.(head);
  return () => { if (painter.ask === ask) painter.ask = null; };
}
