"""Text of others as HTML: what nobody sees of it is marked, and is copied as it is."""

from markupsafe import Markup, escape

from indelible.legible import plain, spelled, turns

_MARK = Markup('<span class="audit-unseen" data-code="{}">{}</span>')


def told(text: str) -> Markup:
    """It is ordered by itself: no name changes how the words around it read. What is HTML was told before."""
    if isinstance(text, Markup):
        return text
    if plain(text):
        return escape(text)
    return Markup("<bdi>{}</bdi>").format(marked(text)) if turns(text) else marked(text)


def marked(text: str) -> Markup:
    """Likewise, for what is ordered with the text around it."""
    return Markup().join(_MARK.format(code, piece) if code else escape(piece) for piece, code in spelled(text))
