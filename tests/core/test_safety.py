"""What comes from elsewhere runs nothing: model folders, shards, and what a library would ask for."""

from __future__ import annotations

import ast
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from case_tables import each

from lexclip_core import storage
from lexclip_core.errors import LexclipError
from lexclip_core.paraphrase.local_model import LocalModel, LocalProvider
from lexclip_core.paraphrase.provider import answer_log
from lexclip_core.paraphrase.records import ShardPictures, iterate_records, read_records, shard_captions
from lexclip_core.towers.loading import load

ROOT = storage.project_root()
READERS = {"from_pretrained", "from_config", "HFTokenizer", "pipeline", "SentenceTransformer", "load_dataset"}
CODE = """
from pathlib import Path
Path(__file__).with_name("ran").touch()
Path({ran!r}).touch()
class Own: pass
"""


def sources() -> Iterator[tuple[str, ast.Module]]:
    for folder in ("lexclip_core", "app", "tools", "bench"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        lines = [line for cell in cells if cell["cell_type"] == "code" for line in [*cell["source"], "\n"]]
        yield (
            path.name,
            ast.parse("".join(line for line in lines if not line.lstrip().startswith(("%", "!")))),
        )


def untrusting(call: ast.Call) -> bool:
    return any(one.arg == "trust_remote_code" and ast.unparse(one.value) == "False" for one in call.keywords)


def test_every_reader_of_models_is_told_to_run_no_code_of_theirs():
    found = {
        f"{name}:{node.lineno}": untrusting(node)
        for name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in READERS
    }
    assert len(found) >= 6
    assert [place for place, safe in found.items() if not safe] == []


def test_nothing_opens_a_name_as_a_command():
    banned = ("webdataset", "subprocess.getoutput", "os.system", "os.popen", "eval", "exec")
    for name, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                modules = [one.name for one in node.names] + [str(getattr(node, "module", ""))]
                assert not any(module.split(".")[0] == "webdataset" for module in modules), name
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in banned, f"{name}:{node.lineno}"
                assert not any(one.arg == "shell" for one in node.keywords), f"{name}:{node.lineno}"


def hostile(folder: Path, ran: Path, kind: str = "unheard-of") -> Path:
    """Write a model folder that asks for code of its own wherever transformers looks for such."""
    folder.mkdir()
    own = {f"Auto{name}": "own.Own" for name in ("Config", "Model", "ModelForCausalLM")}
    (folder / "own.py").write_text(CODE.format(ran=str(ran)))
    (folder / "config.json").write_text(
        json.dumps({"model_type": kind, "auto_map": own, "architectures": ["Own"]})
    )
    tokenizer = {"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": ["own.Own", "own.Own"]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    return folder


def as_sentence_encoder(folder: Path) -> None:
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
    (folder / "modules.json").write_text(json.dumps(modules))


def as_open_clip(folder: Path) -> None:
    text = {"hf_model_name": str(folder), "hf_tokenizer_name": str(folder), "hf_proj_type": "mlp"}
    text["tokenizer_kwargs"] = {"trust_remote_code": True}
    vision = {"image_size": 32, "layers": 1, "width": 32, "patch_size": 16}
    config = {"model_cfg": {"embed_dim": 16, "vision_cfg": vision, "text_cfg": text}}
    (folder / "open_clip_config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("kind", ["unheard-of", "bert", "clip"])
@pytest.mark.parametrize("layout", [as_sentence_encoder, as_open_clip, lambda _: None])
def test_a_model_folder_with_code_of_its_own_runs_none_even_where_yes_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: Callable[[Path], None], kind: str
):
    folder = hostile(tmp_path / "model", tmp_path / "ran", kind)
    layout(folder)
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    with pytest.raises(LexclipError):
        load(str(folder))
    with answer_log(tmp_path / "answers.jsonl") as log, pytest.raises(LexclipError):
        LocalProvider(LocalModel(str(folder)), log)
    assert not list(tmp_path.rglob("ran"))


NAMES = ("pipe:touch ran #.tar", "00000.tar::pipe:touch ran.tar", "{00000..00009}.tar", "$(touch ran).tar")


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_shard_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.chdir(tmp_path)  # so that a relative name begins as a command would
    texts = {"caption": "a dog", "paraphrase_1": "one dog", "paraphrase_2": "a canine"}
    with tarfile.open(Path(name), "w") as tar:
        for member, content in (("7.json", json.dumps(texts).encode()), ("7.jpg", b"picture")):
            entry = tarfile.TarInfo(member)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    (record,) = read_records(Path(name))
    assert record.image == f"{name}/7.jpg"
    assert ShardPictures(tmp_path).read(record.image) == b"picture"
    assert list(shard_captions([Path(name)])) == [(record.image, "a dog")]
    assert [path.name for path in tmp_path.iterdir()] == [name]


@each("image", ["../7.jpg", "./7.jpg", "/7.jpg", "..", "", "a.tar/../../etc/passwd"])
def test_a_record_reaches_no_file_outside_its_shards(tmp_path: Path, image: str):
    (tmp_path / "7.jpg").write_bytes(b"outside")
    (tmp_path / "shards").mkdir()
    with tarfile.open(tmp_path / "shards" / "a.tar", "w"):
        pass
    with pytest.raises(LexclipError):
        ShardPictures(tmp_path / "shards").read(image)


def test_a_member_that_is_announced_as_huge_is_refused_before_it_is_read(tmp_path: Path):
    entry = tarfile.TarInfo("7.json")
    entry.size = 1 << 40
    (tmp_path / "a.tar").write_bytes(entry.tobuf() + b"{}")
    with pytest.raises(LexclipError, match="announces 1,099,511,627,776 bytes"):
        list(iterate_records(tmp_path / "a.tar"))
    with pytest.raises(LexclipError, match=r"a\.tar"):
        ShardPictures(tmp_path).read("a.tar/7.json")
