# SPDX-License-Identifier: MIT OR Apache-2.0
"""The shapes that the pictures are made of, as SVG text. Numbers are written with two digits at most, so that a picture
is the same bytes wherever it is drawn."""

MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"
SANS = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', 'Liberation Sans', sans-serif"


def escape(words):
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def number(value):
    return f"{value:.2f}".rstrip("0").rstrip(".")


def element(tag, content=None, **attributes):
    words = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value if isinstance(value, str) else number(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{words}/>" if content is None else f"<{tag}{words}>{content}</{tag}>"


def text(x, y, words, kind=None, **attributes):
    return element("text", escape(words), x=x, y=y, class_=kind, **attributes)


def box(x, y, width, height, kind, radius=6):
    return element("rect", x=x, y=y, width=width, height=height, rx=radius, class_=kind)


def line(points, kind):
    return element("path", d="M" + "L".join(f"{number(x)} {number(y)}" for x, y in points), class_=kind)


def document(width, height, title, description, style, shapes):
    head = element("title", escape(title)) + "\n" + element("desc", escape(description))
    body = "\n".join(shapes)
    return (
        "<!-- SPDX-License-Identifier: MIT OR Apache-2.0; written by docs/pictures/draw -->\n"
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(width)}" height="{number(height)}" '
        f'viewBox="0 0 {number(width)} {number(height)}" role="img">\n'
        f"{head}\n<style>\n{style}</style>\n{body}\n</svg>\n"
    )
