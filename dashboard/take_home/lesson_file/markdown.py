"""Markdown as HTML, for a file that may ask nothing of anybody: pictures of other places become their words."""

from markdown_it import MarkdownIt

_READER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")


def html_of(text: str) -> str:
    """Blocks of HTML; tags in the text are shown as they are written."""
    return str(_READER.render(text)).strip()


def inline_html(text: str) -> str:
    """The same without a paragraph around it."""
    return str(_READER.renderInline(text))
