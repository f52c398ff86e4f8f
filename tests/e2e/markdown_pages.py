"""Pages in Markdown, as the tests of the documentation read them."""

import re


def without_code(text: str) -> str:
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", text)


def links(text: str) -> list[tuple[str, str]]:
    """Those to files: the path, "" for this page, and the heading."""
    found = re.findall(r"\]\(([^)\s]+)\)", without_code(text))
    return [tuple(link.partition("#")[::2]) for link in found
            if "://" not in link and not link.startswith("mailto:")]
