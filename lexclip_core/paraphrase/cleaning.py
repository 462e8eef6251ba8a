"""Take from a caption of the web what no one would say: addresses, codes, tags, boilerplate, shouting."""

from __future__ import annotations

import html
import re
import unicodedata

_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+\.\w+|(?<!\S)@\w+", re.IGNORECASE)
_MARKUP = re.compile(r"<[^<>]{1,200}>")
_FILE = re.compile(r"(?<!\S)\S+\.(?:jpe?g|png|gif|webp|bmp|tiff?|svg|psd|eps|pdf)\b", re.IGNORECASE)
_LAST_TAGS = re.compile(r"(?:\s*#\w+){2,}\s*$|(?<=\S)\s+#\w+\s*$")
_TAG = re.compile(r"#(?=\w)")
_LABELLED_CODE = re.compile(
    r"\b(?:sku|item|model|ref|art|style|product|isbn|asin)\b\.?\s*(?:no\.?|code|id|nr\.?|number)?\s*[:#]\s*\S+",
    re.IGNORECASE,
)
# Letters and at least two digits in one word of five or more: DSC01234, B07XQ12, IMG_2034, 300x300.
_CODE = re.compile(r"(?<!\S)(?=\S*[A-Za-z_])(?=\S*\d\S*\d)[A-Za-z0-9_/\-]{5,}(?!\S)")
_BRACKETS = re.compile(r"\((?:[^()]*\d[^()]*|\s*)\)|\[[^\[\]]*\]|\{[^{}]*\}")
_PICTURE = r"(?:photo(?:graph)?s?|pictures?|pics?|images?|snapshots?)"
_PRAISE = r"(?:stock|royalty[- ]free|free|hd|high[- ]resolution|beautiful|nice|amazing|premium)"
_LEADING = re.compile(
    rf"^(?:(?:this|here|there)\s+(?:is|are)\s+)?(?:(?:a|an|the|some)\s+)?(?:{_PRAISE}\s+)*{_PICTURE}\s*"
    r"(?:(?:of|showing|that\s+shows|depicting|with)\s+|:\s*)",
    re.IGNORECASE,
)
_TRAILING = re.compile(
    rf"[\s,;:|-]*(?:\b{_PRAISE}\s+)+(?:{_PICTURE}|vectors?|illustrations?|footage|wallpapers?)\b.*$"
    r"|[\s,;:|-]+(?:getty images|shutterstock|istock\w*|alamy|dreamstime|depositphotos|adobe stock|"
    r"pinterest|flickr|wikipedia|etsy|ebay|amazon(?:\.com)?)\b.*$",
    re.IGNORECASE,
)
_PLAIN = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2013": "-", "\u2014": "-"}
)
_PARTS = re.compile(r"\s+[|\u2022\u00bb/]+\s+|\s*\|\s*")
_REPEATED_MARK = re.compile(r"([!?.,;:~*_=+\-])\1+")
_ODD_MARK = re.compile(r"[~*_=+<>\\^`{}\[\]\"\u00ab\u00bb|\u2022\u2026]+")
_SPACE_BEFORE = re.compile(r"\s+([,.;:!?]|'s\b)")
_NO_SPACE_AFTER = re.compile(r",(?=[^\W\d])")
_TWICE = re.compile(r"\b(\w+)(?:\s+\1\b)+", re.IGNORECASE)
_SPACES = re.compile(r"\s+")
_ENDS = " \t\n.,;:!?-/&'#@()"


def clean(caption: str) -> str:
    """Return what a caption says, without noise; "" where nothing is left.

    Web addresses, file names, product codes, tags, mark-up, pictographs, names of picture agencies and
    phrases such as "stock photo of" go; of parts divided by "|" the first with two words stays; text that
    shouts or Is Written Like A Title becomes lower case; the closing full stop goes.
    """
    text = unicodedata.normalize("NFC", html.unescape(caption)).translate(_PLAIN)
    for pattern in (_MARKUP, _ADDRESS, _FILE, _LABELLED_CODE, _LAST_TAGS, _BRACKETS):
        text = pattern.sub(" ", text)
    text = _first_part(_TAG.sub("", text))
    text = _CODE.sub(" ", text)
    text = "".join(" " if _pictograph(character) else character for character in text)
    text = _ODD_MARK.sub(" ", _REPEATED_MARK.sub(r"\1", text))
    text = _SPACES.sub(" ", text).strip(_ENDS)
    text = _without_boilerplate(text)
    text = _TWICE.sub(r"\1", _NO_SPACE_AFTER.sub(", ", _SPACE_BEFORE.sub(r"\1", text)))
    return _quiet(_SPACES.sub(" ", text).strip(_ENDS))


def _first_part(text: str) -> str:
    parts = _PARTS.split(text)
    return next((part for part in parts if len(part.split()) >= 2), text)


def _pictograph(character: str) -> bool:
    return unicodedata.category(character) in ("So", "Sk", "Cf", "Cc", "Co", "Cn", "Cs")


def _without_boilerplate(text: str) -> str:
    shorter = _TRAILING.sub("", _LEADING.sub("", text)).strip(_ENDS)
    return shorter if shorter else text  # "stock photo" alone says little, but more than nothing


def _quiet(text: str) -> str:
    words = [word for word in text.split() if any(map(str.isalpha, word))]
    raised = [word for word in words if word[0].isupper()]
    if text.isupper() or (len(words) >= 3 and len(raised) >= 0.8 * len(words)):
        return text.lower()
    first, _, rest = text.partition(" ")
    # A capital that only opens the sentence says nothing; one inside the word (USA, McCoy) does.
    opens = first == "A" or (first != "I" and first[1:].islower())
    return f"{first.lower()} {rest}".strip() if opens else text
