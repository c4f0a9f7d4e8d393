// What the scripts of all stages of a tab share: the pointer, the maps of other classes, and what is painted over the picture.

const SHARED = (window.gradCamStages ??= { stages: new Set(), point: null, pinned: false, classes: null });
SHARED.painter ??= {
  key: "", // the picture that the cells belong to
  cells: null, fill: "grey", on: false, brush: 3,
  before: [], // the codes that Undo goes back through
  stroke: null, moved: -Infinity, // the stroke under way, and when the cells last changed
  asked: 0, taken: 0, waits: false, // the numbers of the last question and of the last answer, and whether one is awaited
  changed: false, pause: null, // whether there is more to ask, and the wait before the address has it
  code: "", sent: null, // what the server drew last, and what it was told to draw
  words: "", ask: null, answer: null,
};
