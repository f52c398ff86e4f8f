"""The pieces of HTML that a report is made of; all text is escaped here."""

import base64
import io
from html import escape
from typing import Any, Iterable, List, Sequence, Tuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .labels import show

#: Text of more characters than this is broken into lines in a table.
_LONG = 70


def document(title: str, style: str, body: Iterable[str]) -> str:
    """A whole document that refers to nothing outside itself."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def header(title: str, lead: str) -> str:
    """The head of the page and the line under it."""
    return f"<h1>{escape(title)}</h1>\n{remark(lead)}"


def remark(text: str) -> str:
    """A paragraph of small print."""
    return f'<p class="remark">{escape(text)}</p>'


def section(anchor: str, title: str, content: Iterable[str]) -> str:
    """A titled section that the navigation can point to."""
    inside = "\n".join(content)
    return f'<section id="{anchor}">\n<h2>{escape(title)}</h2>\n{inside}\n</section>'


def navigation(entries: Iterable[Tuple[str, str]]) -> str:
    """Links to the sections, given as (anchor, title)."""
    links = "".join(f'<a href="#{anchor}">{escape(title)}</a>' for anchor, title in entries)
    return f"<nav>{links}</nav>"


def cards(entries: Iterable[Tuple[str, str, str]]) -> str:
    """Headline figures, given as (value, what it is, kind)."""
    boxes = "".join(
        f'<div class="card {kind}"><b>{escape(value)}</b><span>{escape(label)}</span></div>'
        for value, label, kind in entries
    )
    return f'<div class="cards">{boxes}</div>'


def bullets(items: Iterable[str]) -> str:
    """A list of sentences."""
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"


def table(frame: pd.DataFrame) -> str:
    """A data frame without its index; numbers stand to the right."""
    right = [
        pd.api.types.is_numeric_dtype(kind) and kind != np.dtype(bool) for kind in frame.dtypes
    ]
    head = _row("th", frame.columns, right)
    rows = "".join(_row("td", values, right) for values in frame.itertuples(index=False))
    return f'<div class="scroll"><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>'


def picture(figure: Figure, caption: str, dpi: int = 130) -> str:
    """A figure as a PNG inside the document."""
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=dpi)
    data = base64.b64encode(image.getvalue()).decode("ascii")
    width = round(figure.get_figwidth() * 100)
    return (
        f'<figure><img src="data:image/png;base64,{data}" width="{width}" alt="{escape(caption)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def folded(title: str, *content: str) -> str:
    """Content that opens at a click."""
    return f"<details><summary>{escape(title)}</summary>" + "".join(content) + "</details>"


def preformatted(text: str) -> str:
    """Text as it is."""
    return f"<pre>{escape(text)}</pre>"


def _row(tag: str, values: Sequence[Any], right: List[bool]) -> str:
    cells = (_cell(tag, show(value), number) for value, number in zip(values, right))
    return f"<tr>{''.join(cells)}</tr>"


def _cell(tag: str, text: str, number: bool) -> str:
    kind = "number" if number else "long" if len(text) > _LONG else ""
    return (
        f'<{tag} class="{kind}">{escape(text)}</{tag}>'
        if kind
        else f"<{tag}>{escape(text)}</{tag}>"
    )
