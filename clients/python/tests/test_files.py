import gzip
import json
import os

import numpy as np
import pandas as pd
import pytest

from vls.sources import batch_body, is_path

COLUMNS = {"image": "photo", "text": "caption", "id": "id"}


@pytest.fixture
def folder(tmp_path):
    """A folder with an image, and an image outside of it."""
    tmp_path = tmp_path.resolve()
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    root = tmp_path / "data"
    (root / "img").mkdir(parents=True)
    (root / "img" / "a.jpg").write_bytes(b"pixels")
    return root


def items_of(body):
    return [json.loads(line) for line in b"".join(body.open()).splitlines()]


def test_the_images_of_a_csv_are_read_from_its_folder(folder):
    table = folder / "pairs.csv"
    table.write_text(
        'ID;Photo;caption;price\n7;img/a.jpg;"one; ""two""\nthree";1.50\n\n;https://a/b.jpg;four;\n;img/lost.jpg;five;\n'
    )
    body = batch_body(str(table), COLUMNS, options={"delimiter": ";", "priority": 5})
    assert body.media_type == "application/x-ndjson"
    assert body.params == {
        "columns": '["ID", "Photo", "caption", "price"]',
        "image": "Photo",
        "text": "caption",
        "id": "ID",
        "priority": 5,
    }
    first, second, third = items_of(body)
    assert first == {
        "image": {"base64": "cGl4ZWxz", "path": "img/a.jpg"},
        "text": 'one; "two"\nthree',
        "id": "7",
        "metadata": {"price": "1.50"},
    }
    assert second == {"image": "https://a/b.jpg", "text": "four", "id": "", "metadata": {"price": ""}}
    assert third["image"] == "img/lost.jpg"
    message = f"There is no file {folder / 'img' / 'lost.jpg'}"
    assert third["clientError"] == {"code": "image.file.not_found", "message": message}
    assert items_of(body) == [first, second, third]


@pytest.mark.parametrize("name", ["pairs.csv", "pairs.ndjson", "pairs.parquet"])
def test_a_file_of_pairs_names_no_image_outside_of_its_folder(folder, name):
    outside = str(folder.parent / "secret.jpg")
    frame = pd.DataFrame({"photo": ["img/a.jpg", "../secret.jpg", outside], "caption": ["a", "b", "c"]})
    if name.endswith(".ndjson"):
        frame = frame.rename(columns={"photo": "image", "caption": "text"})
        frame.to_json(folder / name, orient="records", lines=True)
    else:
        getattr(frame, "to_csv" if name.endswith(".csv") else "to_parquet")(folder / name, index=False)
    first, *others = items_of(batch_body(folder / name, COLUMNS))
    assert first["image"] == {"base64": "cGl4ZWxz", "path": "img/a.jpg"}
    reason = f"it is not in the folder {folder}; set another folder with images="
    for path, item in zip(["../secret.jpg", outside], others):
        assert item["image"] == path
        message = f"The file {path} cannot be read: {reason}"
        assert item["clientError"] == {"code": "image.file.refused", "message": message}
    allowed = items_of(batch_body(folder / name, COLUMNS, folder.parent))
    assert [item.get("clientError", {}).get("code") for item in allowed] == [
        "image.file.not_found",
        "image.file.refused",
        None,
    ]


def test_the_paths_of_a_data_frame_are_relative_to_the_working_directory_or_to_a_named_folder(folder, monkeypatch):
    frame = pd.DataFrame({"photo": ["img/a.jpg", "../secret.jpg"], "caption": ["a", "b"]})
    monkeypatch.chdir(folder)
    assert all("clientError" not in item for item in items_of(batch_body(frame, COLUMNS)))
    monkeypatch.chdir("/")
    assert [("clientError" in item) for item in items_of(batch_body(frame, COLUMNS))] == [True, True]
    assert [("clientError" in item) for item in items_of(batch_body(frame, COLUMNS, folder))] == [False, True]


@pytest.mark.parametrize(
    "text, options",
    [
        ("photo,caption\nhttps://a/b.jpg,one\n", {}),
        ("photo,caption\n0,one\n", {"imagesFrom": "x"}),
        ("photo;caption\nimg/a.jpg;one\n", {}),
        ("photo,photo,caption\nimg/a.jpg,img/a.jpg,one\n", {}),
        ("photo,caption\nimg/a.jpg,one\n", {"encoding": "unknown-8"}),
        ('photo,caption\nhttps://a/b.jpg,"one\nhttps://a/b.jpg,two\n', {}),
        ("", {}),
    ],
)
def test_a_csv_without_paths_or_with_a_header_that_the_service_refuses_is_sent_as_it_is(folder, text, options):
    (folder / "pairs.csv").write_text(text)
    (folder / "0").write_text("")
    body = batch_body(folder / "pairs.csv", COLUMNS, options=options)
    assert (body.media_type, b"".join(body.open()).decode()) == ("text/csv", text)
    assert body.params == {**COLUMNS, **options}


def test_a_bad_row_of_a_csv_fails_alone_and_is_refused_with_strict(folder):
    table = folder / "pairs.csv"
    rows = [
        "sep=,",
        "photo,caption",
        'img/a.jpg,"one" more',
        "img/a.jpg,two,three",
        "img/a.jpg",
        "img/a.jpg,caf\xe9",
        "  ,six",
        "img/a.jpg,seven",
    ]
    table.write_bytes("\r\n".join(rows).encode("latin-1"))
    body = batch_body(table, COLUMNS)
    assert [item.get("clientError", {}).get("message") for item in items_of(body)] == [
        "line 3: text follows a closing quote; inside a quoted cell, write each quote twice",
        "line 4 has 3 columns, the header has 2",
        "line 5 has 1 column, the header has 2",
        "line 6: column caption is not utf-8",
        "line 7: column photo is empty",
        None,
    ]
    with pytest.raises(ValueError, match="pairs.csv, line 3: text follows a closing quote"):
        items_of(batch_body(table, COLUMNS, options={"strict": True}))
    assert items_of(batch_body(table, COLUMNS, options={"encoding": "latin-1"}))[3]["text"] == "caf\xe9"


def test_a_quote_that_is_never_closed_is_refused_with_its_line(folder):
    (folder / "pairs.csv").write_text('photo,caption\nimg/a.jpg,one\nimg/a.jpg,"two\nimg/a.jpg,three\n')
    with pytest.raises(ValueError, match="pairs.csv, line 3: a quote is never closed"):
        items_of(batch_body(folder / "pairs.csv", COLUMNS))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_compressed_tsv_is_read_in_its_encoding(folder, encoding):
    content = "photo\tcaption\nimg/a.jpg\tcaf\xe9\n".encode(encoding)
    (folder / "pairs.tsv.gz").write_bytes(gzip.compress(content))
    (item,) = items_of(batch_body(folder / "pairs.tsv.gz", COLUMNS))
    assert item == {"image": {"base64": "cGl4ZWxz", "path": "img/a.jpg"}, "text": "caf\xe9"}


def test_lines_of_ndjson_keep_their_characters_around_the_image(folder):
    lines = [
        '{"text": "one", "image" : "img/a.jpg", "metadata": {"n": 1e400, "m": -0}}',
        '{"image": "https://a/b.jpg", "text": "two"}',
        '{"image": "img/lost.jpg", "text": "three", "metadata": {"n": 10.0}}',
        '{"image": "img/a.jpg", "metadata": {"image": "img/a.jpg"}, "text": "four"}',
        '{"image": ',
    ]
    (folder / "pairs.ndjson").write_text("\n".join(lines))
    body = batch_body(folder / "pairs.ndjson", COLUMNS)
    sent = b"".join(body.open()).decode().split("\n")
    inline = '{"base64": "cGl4ZWxz", "path": "img/a.jpg"}'
    assert sent[0] == lines[0].replace('"img/a.jpg"', inline)
    assert [sent[1], sent[4]] == [lines[1], lines[4]]
    assert sent[2].startswith(lines[2][:-1] + ', "clientError": {"code": "image.file.not_found"')
    fourth = json.loads(sent[3])
    assert (fourth["image"], fourth["metadata"]) == (json.loads(inline), {"image": "img/a.jpg"})
    (folder / "pairs.ndjson").write_text(lines[1])
    assert b"".join(batch_body(folder / "pairs.ndjson", COLUMNS).open()).decode() == lines[1]


@pytest.mark.parametrize("name", ["a\0.jpg", "a\ud800.jpg"])
def test_a_string_that_cannot_be_the_name_of_a_file_is_no_path(folder, name):
    (folder / "pairs.ndjson").write_text(
        json.dumps({"image": name, "text": "a"}) + '\n{"image": "img/a.jpg", "text": "b"}'
    )
    first, second = items_of(batch_body(folder / "pairs.ndjson", COLUMNS))
    assert first == {"image": name, "text": "a"}
    assert second["image"]["path"] == "img/a.jpg"


@pytest.mark.parametrize("path", ["img", "./img", "dir.jpg"])
def test_a_directory_is_named_as_one(folder, monkeypatch, path):
    (folder / "dir.jpg").mkdir()
    (folder / "pairs.csv").write_text(f"photo,caption\n{path},a\n,b\n")
    monkeypatch.chdir(folder)
    expected = {"code": "image.file.refused", "message": f"{path} is a directory, not an image file"}
    frame = pd.DataFrame({"photo": [path, ""], "caption": ["a", "b"]})
    for source in [[(path, "a")], frame, "pairs.csv"]:
        first, *others = items_of(batch_body(source, COLUMNS))
        assert first["image"] == path
        assert first["clientError"] == expected
        assert all(other["image"] == "" for other in others)
    monkeypatch.chdir("/")
    assert items_of(batch_body(frame, COLUMNS, folder))[0]["clientError"] == expected


def test_an_image_without_an_ending_is_a_path_if_its_file_exists(folder, monkeypatch):
    name = "d41d8cd98f00b204e9800998ecf8427e"
    (folder / name).write_bytes(b"pixels")
    (folder / "pairs.csv").write_text(f"photo,caption\n{name},a\n")
    (folder / "pairs.ndjson").write_text(json.dumps({"image": name, "text": "a"}))
    monkeypatch.chdir(folder)
    frame = pd.DataFrame({"photo": [name], "caption": ["a"]})
    for source in [[(name, "a")], frame, "pairs.csv", "pairs.ndjson"]:
        (item,) = items_of(batch_body(source, COLUMNS))
        assert item["image"] == {"base64": "cGl4ZWxz", "path": name}


def test_a_string_that_begins_like_a_path_is_a_path(folder):
    (item,) = items_of(batch_body([("./img/none", "a")], COLUMNS))
    message = f"There is no file img/none in {os.getcwd()}"
    assert item["clientError"] == {"code": "image.file.not_found", "message": message}


GIF = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WEBP = "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA"
HASH = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"


@pytest.mark.parametrize(
    "text", ["photos/set", " photos/set\n", "photos/\xe9t\xe9", "/photos/set", "..", "0001", "cat", HASH, "0" * 199]
)
def test_a_short_word_can_only_be_a_path(folder, text):
    assert is_path(text, folder=None)


@pytest.mark.parametrize(
    "text",
    [
        *["", "  ", GIF, f" {GIF}\n", PNG, PNG.rstrip("="), WEBP, "_9j_4AAQ", "/9j/4AAQ", "aGVsbG8=", "eyJhIjoxfQ"],
        *["HTTP://example.org/cat", "ftp://example.org/cat", "s3://bucket/cat", "localhost:9000/cat"],
        *["www.example.com/cat", "example.org/cat", "a red bicycle", "a black/white cat", "photos/my dog"],
        *['{"url":"photos/set"}', "<b>cat</b>", "a\0b", "0" * 200],
    ],
)
def test_addresses_images_and_texts_are_no_paths(folder, text):
    assert not is_path(text, folder=None)


@pytest.mark.parametrize("path", ["img/set", HASH])
def test_a_missing_file_without_an_image_ending_fails_alone(folder, monkeypatch, path):
    frame = pd.DataFrame({"photo": [path, "https://a/b.jpg"], "caption": ["a", "b"]})
    frame.to_csv(folder / "pairs.csv", index=False)
    frame.to_parquet(folder / "pairs.parquet")
    lines = frame.rename(columns={"photo": "image", "caption": "text"})
    lines.to_json(folder / "pairs.ndjson", orient="records", lines=True)
    monkeypatch.chdir(folder)
    for source in [list(zip(frame["photo"], frame["caption"])), frame, "pairs.csv", "pairs.ndjson", "pairs.parquet"]:
        is_file = isinstance(source, str)
        place = f"{folder / path}" if is_file else f"{path} in {folder}"
        first, second = items_of(batch_body(source, COLUMNS))
        assert first["image"] == path
        assert first["clientError"] == {"code": "image.file.not_found", "message": f"There is no file {place}"}
        assert second == {"image": "https://a/b.jpg", "text": "b"}


def test_a_csv_of_local_images_comes_back_with_its_columns_and_scores(client, photos, captions, tmp_path):
    table = tmp_path / "mine.csv"
    names = ["coffee.jpg", "rocket.jpg", "lost.jpg"]
    rows = [f"{name};{captions.get(name, 'nothing')};{at}" for at, name in enumerate(names)]
    table.write_text("\n".join(["photo;caption;row", *rows]))
    batch = client.batch(table, image="photo", text="caption", images=photos, delimiter=";", tags=["a", "b"])
    status = batch.wait(timeout=600)
    assert (status.succeeded, status.failed, status.raw["tags"]) == (2, 1, ["a", "b"])
    scored = batch.dataframe()
    assert list(scored["photo"]) == names
    assert list(scored["row"]) == ["0", "1", "2"]
    assert scored["score"][1] == client.score(photos / "rocket.jpg", captions["rocket.jpg"]).score
    assert scored["error_message"][2] == f"There is no file {photos.resolve() / 'lost.jpg'}"


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT], ids=repr)
def test_an_empty_cell_of_a_data_frame_fails_alone_and_keeps_its_row(folder, missing):
    frame = pd.DataFrame(
        {
            "photo": pd.Series(["https://a/b.jpg", missing, "https://a/c.jpg"], dtype=object),
            "caption": pd.Series(["one", "two", missing], dtype=object),
            "n": pd.Series([1, 2, missing], dtype=object),
        }
    )
    assert items_of(batch_body(frame, COLUMNS)) == [
        {"image": "https://a/b.jpg", "text": "one", "metadata": {"n": 1}},
        {
            "text": "two",
            "metadata": {"n": 2},
            "clientError": {"code": "item.invalid", "message": "row 1: column photo is empty"},
        },
        {"image": "https://a/c.jpg", "text": "", "metadata": {"n": None}},
    ]
    pairs = [
        (missing, "one"),
        {"image": "https://a/b.jpg", "text": missing, "metadata": {"n": missing, "big": 10**400}},
    ]
    assert items_of(batch_body(pairs, COLUMNS)) == [
        {"text": "one", "clientError": {"code": "item.invalid", "message": "pair 0: the image is missing"}},
        {"image": "https://a/b.jpg", "text": "", "metadata": {"n": None, "big": 10**400}},
    ]


def test_an_empty_image_of_a_parquet_file_fails_alone(folder):
    images = [{"bytes": b"pixels", "path": None}, {"bytes": None, "path": None}, None]
    frame = pd.DataFrame({"photo": images, "caption": ["a", "b", None]})
    frame.to_parquet(folder / "pairs.parquet")
    first, *others = items_of(batch_body(folder / "pairs.parquet", COLUMNS))
    assert first["image"] == {"base64": "cGl4ZWxz"}
    assert [item["clientError"]["message"] for item in others] == [
        "row 1: column photo is empty",
        "row 2: column photo is empty",
    ]


def test_indexes_in_a_column_with_an_empty_cell_are_still_indexes(folder):
    frame = pd.DataFrame({"photo": [4, None], "caption": ["a", "b"]})
    first, second = items_of(batch_body(frame, COLUMNS, options={"imagesFrom": "x"}))
    assert (first["image"], second["clientError"]["code"]) == ("4", "item.invalid")


def test_an_index_is_no_path_although_a_directory_or_a_file_has_its_name(folder, monkeypatch):
    (folder / "0").mkdir()
    (folder / "1").write_bytes(b"pixels")
    monkeypatch.chdir(folder)
    frame = pd.DataFrame({"photo": ["0", "1"], "caption": ["a", "b"]})
    frame.loc[2] = ["7", "c"]
    for source in [frame, [("0", "a"), ("1", "b"), ("7", "c")]]:
        items = items_of(batch_body(source, COLUMNS, options={"imagesFrom": "x"}))
        assert items == [{"image": image, "text": text} for image, text in [("0", "a"), ("1", "b"), ("7", "c")]]


def test_an_image_of_another_type_is_refused_with_its_row(folder):
    frame = pd.DataFrame({"photo": ["https://a/b.jpg", 0.5], "caption": ["a", "b"]})
    with pytest.raises(TypeError, match="^Row 1: Expected an address, .*, got float$"):
        items_of(batch_body(frame, COLUMNS))
    with pytest.raises(TypeError, match="^Pair 1: Expected an address, .*, got set$"):
        items_of(batch_body([("https://a/b.jpg", "a"), (set(), "b")], COLUMNS))
