"""Commands about words and their pictures: Wu-Palmer similarity, and the emoji."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from lexclip_core import storage
from lexclip_core.cli.application import Json, application, emit, example, group, matrix, table
from lexclip_core.errors import InputError

if TYPE_CHECKING:
    from lexclip_core.targets.taxonomy import Policy
    from lexclip_core.targets.word_level import SenseChoice
    from lexclip_core.wordnet.lexicon import WordPos


@application.command(epilog=example("lexclip wup dog.n.01 cat.n.01 n02084071"))
def wup(
    names: Annotated[list[str], typer.Argument(help="Synsets (dog.n.01, n02084071), or words with --pos.")],
    *,
    pos: Annotated[str | None, typer.Option(help="Take the names as words: n, v, a or r.")] = None,
    how: Annotated[
        str, typer.Option(help="Senses of a word: first_sense, maximum or expectation (with --pos).")
    ] = "maximum",
    policy: Annotated[str, typer.Option(help="symmetric, or nltk for NLTK's own values.")] = "symmetric",
    as_json: Json = False,
) -> None:
    """Wu-Palmer similarity of synsets or words.

    Prints the similarity of each with each.
    """
    from lexclip_core.targets.word_level import wu_palmer_of_words
    from lexclip_core.targets.wu_palmer import wu_palmer_matrix

    chosen = cast("Policy", policy)  # here and below, the library names the valid ones
    if pos is None:
        values = wu_palmer_matrix(names, policy=chosen)
    else:
        values = wu_palmer_of_words(
            names, pos=cast("WordPos", pos), how=cast("SenseChoice", how), policy=chosen
        )
    if as_json:
        rows = [[None if value != value else value for value in row] for row in values.tolist()]
        emit({"policy": policy, "pos": pos, "how": how if pos else None, "names": names, "similarity": rows})
    else:
        matrix(f"wup ({policy})", names, values)


emoji = group("emoji", "Look at the emoji pictures and their names.")

FEWEST_SHOWN = 20

Style = Annotated[str, typer.Option(help="A drawing style: noto, twemoji, openmoji or openmoji_black.")]


@emoji.command("list", epilog=example("lexclip emoji list animal --json"))
def list_emoji(
    text: Annotated[str, typer.Argument(help="Only concepts with this in their name, tags or group.")] = "",
    *,
    as_json: Json = False,
) -> None:
    """List the concepts with what they picture."""
    from lexclip_core.datasets.emoji.sprites import concepts

    known = concepts()
    columns = known[["concept", "label", "tags", "group", "subgroup", "synset", "emotion"]]
    chosen = columns[columns.apply(lambda row: text.casefold() in " ".join(row).casefold(), axis=1)]
    if chosen.empty:
        raise InputError(f"no concept has {text!r} in its name, tags or group", "try a part of a word")
    if as_json:
        emit(chosen.to_dict("records"))
        return
    shown = chosen if text else chosen.head(FEWEST_SHOWN)
    rows = [(row.concept, row.label, row.subgroup, row.synset or "-") for row in shown.itertuples()]
    table(("concept", "label", "group", "synset"), rows)
    if len(shown) < len(chosen):
        typer.echo(f"(the first {len(shown)} of {len(chosen)}; --json gives all)")


@emoji.command(epilog=example("lexclip emoji show dog --style twemoji --out dog.png"))
def show(
    concept: Annotated[
        str, typer.Argument(help="A concept that `lexclip emoji list` names.", show_default=False)
    ],
    *,
    style: Style = "noto",
    out: Annotated[Path | None, typer.Option(help="Write the drawing to this .png file.")] = None,
    as_json: Json = False,
) -> None:
    """Show what is known of one concept, and write its drawing with --out."""
    from lexclip_core.datasets.emoji.sprites import concepts, sprite_png

    if out is not None and out.suffix != ".png":
        raise InputError(f"cannot write {out.name}", "name a file that ends in .png")
    content = sprite_png(concept, style)
    [row] = concepts().query("concept == @concept").to_dict("records")
    if out is not None:
        with storage.atomic_write(out) as temporary:
            temporary.write_bytes(content)
    if as_json:
        emit({**row, "tags": row["tags"].split("|") if row["tags"] else []})
    else:
        table(("field", "value"), [(name, value if value != "" else "-") for name, value in row.items()])
    if out is not None:
        typer.echo(f"{style} drawing in {out}", err=as_json)
