"""The scripts of the components: a tab loads each of them once, and a component sends only where it is.

Streamlit would send all of a script with each message of its component, several times a page and again in every run.
"""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

from dashboard import ASSETS

FOLDER = "scripts"
SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "cover": ("array_message.js", "stage/shared.js", "stage/cover_answers.js"),
    "class_previews": ("array_message.js", "stage/shared.js", "stage/class_previews.js"),
    "history": ("history.js",),
    "image_grid": ("array_message.js", "sprite_grid.js", "image_grid.js"),
    "lesson_file": ("array_message.js", *(f"lesson_file/{name}.js" for name in ("said", "stops", "lesson"))),
    "keyboard": tuple(f"keyboard/{name}.js" for name in ("focus", "list", "fit", "rail", "turns", "keyboard")),
    "stage": ("array_message.js", *(f"stage/{name}.js" for name in ("shared", "drawing", "cover", "panel", "bars", "stage"))),
    "steps": ("steps.js",),
}
"""The files of each script, one behind the other."""

_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
# The page's folder is the server's root, which a proxy may have put below another path.
_LOADED = """const loading = import(new URL("./{folder}/{file}", window.location.href).href);
const FAILED = "Part of this page could not be loaded. Reload the page.";
export default function (given) {{
  let isEnded = false, end;
  loading.then((script) => {{ if (!isEnded) end = script.default(given); }}, (error) => {{
    given.parentElement.textContent = FAILED;
    throw error;
  }});
  return () => {{ isEnded = true; end?.(); }};
}}
"""


def script(name: str) -> str:
    """What a component sends as its script: where the one of that name is, and that it is to be loaded."""
    return _LOADED.format(folder=FOLDER, file=_file(name))


def inline(name: str, called: str | None = None) -> str:
    """A script for a page that can load none, in a scope of its own. called: the name that its exported function gets."""
    content = _content(name)
    if called is None:
        return f"{{\n{content}\n}}\n"
    inside = content.replace("export default function", "return function")
    return f"const {called} = (() => {{\n{inside}\n}})();\n"


async def answer(request: Request) -> Response:
    """A script by its file's name, which changes with what is in it, so that a browser may keep it for ever."""
    asked = request.path_params["file"]
    name = next((name for name in SCRIPTS if _file(name) == asked), None)
    if name is None:
        return Response(status_code=404)
    return Response(_content(name), media_type="text/javascript", headers=_FOR_EVER)


@cache
def _content(name: str) -> str:
    """Without indentation and lines of comment."""
    lines = (line.strip() for file in SCRIPTS[name] for line in (ASSETS / file).read_text(encoding="utf-8").splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


@cache
def _file(name: str) -> str:
    return f"{name}-{sha256(_content(name).encode()).hexdigest()[:16]}.js"
