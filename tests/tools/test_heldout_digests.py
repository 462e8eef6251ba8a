"""Digests of evaluation words: what is written says nothing but the words' digests."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexclip_core import storage
from lexclip_core.datasets import word_similarity
from lexclip_core.errors import DamagedFileError, MissingResourceError
from lexclip_core.experiments.words import REBUILD_DIGESTS, digest, read_digests
from tools.heldout_digests import write_digests, write_heldout


def test_digest_is_the_first_ten_hex_digits_of_a_salted_sha256():
    assert digest("wug") == hashlib.sha256(b"lexclip:wug").hexdigest()[:10]


def test_spellings_of_one_word_share_a_digest():
    assert digest("Ice_Cream") == digest("ice-cream") == digest(" ice  cream ")
    assert digest("ice") != digest("cream")


@given(st.sets(st.text(min_size=1, max_size=12), max_size=20))
def test_what_is_written_is_read_back(tmp_path_factory, words):
    path = tmp_path_factory.mktemp("digests") / "list.txt"
    count = write_digests(words, path, header=("made up",))
    assert read_digests(path) == {digest(word) for word in words}
    assert count == len(read_digests(path))


def test_the_file_is_sorted_and_holds_no_word(tmp_path):
    path = tmp_path / "list.txt"
    write_digests(["wug", "blick", "dax", "Wug"], path, header=("what this is",))
    first, *lines = path.read_text().splitlines()
    assert first == "# what this is"
    assert lines == sorted(lines)
    assert len(lines) == 3
    assert not re.search("wug|blick|dax", path.read_text())


def test_a_missing_or_damaged_file_names_the_command(tmp_path):
    with pytest.raises(MissingResourceError, match=r"python -m tools\.heldout_digests FOLDER"):
        read_digests(tmp_path / "absent.txt")
    path = tmp_path / "damaged.txt"
    path.write_text("# header\n0123456789\nwug\n")
    with pytest.raises(DamagedFileError, match=r"line 3: 'wug' is not 10 hex digits"):
        read_digests(path)


def test_a_folder_without_sets_says_which_files_it_wants(tmp_path):
    with pytest.raises(MissingResourceError, match=r"SimLex-999\.txt"):
        write_heldout(tmp_path, tmp_path / "out.txt")


def test_the_command_writes_all_words_of_a_folder(tmp_path):
    (tmp_path / "EN-RG-65.txt").write_text("".join(f"wug{i}\tdax\t1.0\n" for i in range(65)))
    out = tmp_path / "out" / "digests.txt"
    command = [sys.executable, "-m", "tools.heldout_digests", str(tmp_path), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=storage.project_root())
    assert done.returncode == 0, done.stderr
    assert "66 digests" in done.stderr
    assert read_digests(out) == {digest("dax"), *(digest(f"wug{i}") for i in range(65))}
    assert "Sets: RG-65." in out.read_text()


def test_the_shipped_file_is_well_formed():
    assert len(read_digests()) > 1000


def test_the_shipped_file_covers_the_real_sets(evaldata):
    folder, listed = evaldata / "wordsim", read_digests()
    for name in word_similarity.available(folder):
        missing = [word for word in word_similarity.read(name, folder).words if digest(word) not in listed]
        assert not missing, f"{len(missing)} words of {name} are not held out: run {REBUILD_DIGESTS}"
