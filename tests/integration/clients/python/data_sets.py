"""Makes data sets with the usual libraries, and checks the subsets of them."""

import datetime
import decimal
import io
import json
import sys
import tarfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import webdataset

ROWS = 50


def make(folder: Path) -> None:
    with tarfile.open(folder / "set.tar", "w") as tar:
        for i in range(ROWS):
            for ending, content in (
                ("jpg", b"\xff\xd8\xff%d" % i),
                ("txt", f"caption {i}".encode()),
                ("json", json.dumps({"n": i}).encode()),
                ("cls", str(i).encode()),
            ):
                member = tarfile.TarInfo(f"set/{i:05}.{ending}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    noon = datetime.datetime(2024, 5, 6, 12, 0, 0, 123456)
    table = pa.table(
        {
            "image": pa.array(
                [{"bytes": b"\xff\xd8\xff" * (i + 1), "path": f"{i}.jpg"} for i in range(ROWS)],
                pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
            ),
            "text": [f"caption {i} é" for i in range(ROWS)],
            "list": [None if i % 7 == 0 else list(range(i % 4)) for i in range(ROWS)],
            "objects": [[{"box": [1.5, i], "label": "x"}] for i in range(ROWS)],
            "price": pa.array([decimal.Decimal(f"{i}.25") for i in range(ROWS)], pa.decimal128(20, 2)),
            "micros": pa.array([noon + datetime.timedelta(days=i) for i in range(ROWS)], pa.timestamp("us", "UTC")),
            "nanos": pa.array([2**60 + i for i in range(ROWS)], pa.timestamp("ns")),
            "day": [datetime.date(2024, 1, 1 + i % 28) for i in range(ROWS)],
            "unsigned": pa.array([2**64 - 1 - i for i in range(ROWS)], pa.uint64()),
            "small": pa.array([i % 100 for i in range(ROWS)], pa.int8()),
            "flag": [None if i % 5 == 0 else i % 2 == 0 for i in range(ROWS)],
            "share": [i / 3 for i in range(ROWS)],
            "kind": pa.array(["ab"[i % 2] for i in range(ROWS)]).dictionary_encode(),
        }
    ).replace_schema_metadata({"huggingface": '{"info": 1}'})
    pq.write_table(table, folder / "set.parquet", row_group_size=17, compression="zstd")


def check_rows(folder: Path, kept: list[int], added: tuple[bytes, ...]) -> None:
    """Checks that kept.parquet has the rows of set.parquet, and its metadata with the added entries."""
    before = pq.read_table(folder / "set.parquet")
    after = pq.read_table(folder / "kept.parquet")
    metadata = {key: value for key, value in after.schema.metadata.items() if key not in added}
    assert after.schema.with_metadata(metadata).equals(before.schema, check_metadata=True), after.schema
    expected = before.take(kept)
    for name in before.column_names:
        columns = [table.column(name).combine_chunks() for table in (after, expected)]
        if name == "kind":
            columns = [column.cast(pa.string()) for column in columns]
        assert columns[0].equals(columns[1]), (name, columns)
    found = duckdb.sql(f"select count(*), min(price), max(unsigned) from '{folder}/kept.parquet'").fetchall()[0]
    assert found == (len(kept), decimal.Decimal(f"{min(kept)}.25"), 2**64 - 1 - min(kept)), found


def check_kept(folder: Path) -> None:
    kept = json.loads((folder / "kept.json").read_text())
    check_rows(folder, kept, added=(b"vls",))
    receipt = json.loads(pq.read_metadata(folder / "kept.parquet").metadata[b"vls"])
    assert receipt["model"] and receipt["revision"], receipt
    assert receipt["kept"]["top"] == "40%" and receipt["kept"]["rows"] == len(kept), receipt


def check(folder: Path) -> None:
    kept = json.loads((folder / "kept.json").read_text())
    samples = list(webdataset.WebDataset(str(folder / "kept.tar"), shardshuffle=False))
    assert [sample["__key__"] for sample in samples] == [f"set/{i:05}" for i in kept]
    assert [sample["txt"] for sample in samples] == [f"caption {i}".encode() for i in kept]
    assert [sample["cls"] for sample in samples] == [str(i).encode() for i in kept]
    check_rows(folder, kept, added=())
    scores = duckdb.sql(f"select text, score from '{folder}/scores.parquet' where score >= 40 order by \"index\"")
    assert [row[0] for row in scores.fetchall()] == [f"caption {i} é" for i in kept]
    receipt = json.loads(pq.read_metadata(folder / "scores.parquet").metadata[b"vls"])
    assert receipt["model"] == "compact-1", receipt


{"make": make, "check": check, "check-kept": check_kept}[sys.argv[1]](Path(sys.argv[2]))
