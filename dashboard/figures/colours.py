"""The colours that mean the same on every page, in charts and in styles."""

from explain_lib.pictures.palettes import DIVERGING

AGAINST, FOR = DIVERGING[0], DIVERGING[-1]
"""Below zero: a is brighter, or evidence against. Above zero: b is brighter, or evidence for."""
NEUTRAL = "#8c96a8"
"""Neither."""
CHOSEN = "#d95f0e"
"""Chosen or explained."""
PICKED = "#ff9f1c"
"""The frame around the picked picture or channel."""

VARIABLES = f""":root {{
  --above: light-dark({FOR}, #e5685a);
  --below: light-dark({AGAINST}, #5fa3dd);
  --chosen: {CHOSEN};
  --picked: {PICKED};
}}
"""
"""The same colours for the style of a component, where VARIABLES comes first; lighter on a dark page."""
