from __future__ import annotations

from fixtures.inputs.conversations import PLAIN
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat
from suites.chat_templates.evidence import rendered
from suites.findings import Defect

INVISIBLE = {"\ufeff": "a byte order mark (U+FEFF)", "\u200b": "a zero-width space (U+200B)"}


@uses("chat")
def test_no_byte_order_mark(chat: Chat) -> None:
    """The rendered prompt does not begin with an invisible character.

    Why: some editors and shells write a byte order mark at the start of a file; the library reads it as part of the
        template, so every prompt begins, even before BOS, with tokens that the model was not trained on.
    Fix: Save the template as UTF-8 without a byte order mark.
    Source: https://docs.python.org/3/library/codecs.html#encodings-and-unicode
    """
    text = rendered(chat, PLAIN["a question"])
    if name := INVISIBLE.get(text[:1]):
        summary = f"Every prompt begins with {name}, which is the first character of the template file."
        raise Defect(summary, evidence={"start": ascii(text[:40])})
