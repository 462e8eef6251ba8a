"""The two prompts of the paper, section 2.1, word for word.

The paper prints no closing quotation mark after the second and calls the slot `text`; straight quotation
marks stand here for its typographic ones.
"""

from __future__ import annotations

#: Caption-to-paraphrase generation: x_T -> x_T'.
CAPTION_TO_PARAPHRASE = 'Paraphrase the given caption "{text}" concisely while preserving the meaning.'

#: Paraphrase-to-paraphrase generation: x_T' -> x_T''.
PARAPHRASE_TO_PARAPHRASE = (
    'Paraphrase the given text "{text}" concisely while preserving the meaning '
    "and avoiding use of existing words."
)

_OF_STEP = {1: CAPTION_TO_PARAPHRASE, 2: PARAPHRASE_TO_PARAPHRASE}


def prompt(step: int, text: str) -> str:
    """Return the prompt of step 1 (`text` is a caption) or 2 (`text` is the first paraphrase).

    The text enters as it is, once: braces and quotation marks in it are not read again.
    """
    return _OF_STEP[step].replace("{text}", text, 1)
