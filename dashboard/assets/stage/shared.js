// What the scripts of all stages of a tab share: the pointer, and the maps of other classes.

const SHARED = (window.gradCamStages ??= { stages: new Set(), point: null, pinned: false, classes: null });
