"""pandas writes batches; pandas, pyarrow and DuckDB read the results. Prints what they have read as JSON."""

import io
import json
import pathlib
import sys
import tempfile
import time

import duckdb
import httpx
import pandas as pd
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

url, *images = sys.argv[1:]
batches = f"{url}/evaluator/v1/evaluation/batch"
folder = pathlib.Path(tempfile.mkdtemp())
frame = pd.DataFrame(
    {
        "id": [f"row {n}" for n in range(len(images))],
        "image": images,
        # A line separator, a formula, quotes and a line break: what tables are broken by.
        "text": ["a cup\u2028of coffee", "=a rocket", 'a "cat"', "one\ntwo"][: len(images)],
        "weight": [0.5, None, 3, 4][: len(images)],
        "big": [9007199254740993 + n for n in range(len(images))],
    }
)


def post(content, kind):
    posted = httpx.post(batches, content=content, headers={"Content-Type": kind, "Prefer": "wait=60"}, timeout=90)
    assert posted.status_code in (200, 202), posted.text
    address = f"{batches}/{posted.json()['id']}"
    while httpx.get(address).json()["finishedAt"] is None:
        time.sleep(0.2)
    return address


def results(address, accept, **query):
    return httpx.get(f"{address}/results", params=query, headers={"Accept": accept}, timeout=60).content


as_csv = post(frame.to_csv(index=False), "text/csv")
items = frame[["id", "image", "text"]].assign(metadata=frame[["weight"]].to_dict("records"))
as_ndjson = post(items.to_json(orient="records", lines=True, force_ascii=False), "application/jsonl")

csv = results(as_csv, "text/csv", formulas="keep")
ndjson = results(as_ndjson, "application/x-ndjson")
parquet = results(as_csv, "application/vnd.apache.parquet")
csv_file, ndjson_file, parquet_file = (folder / f"results.{kind}" for kind in ("csv", "ndjson", "parquet"))
parquet_file.write_bytes(parquet)
csv_file.write_bytes(csv)
ndjson_file.write_bytes(ndjson)

read = pd.read_csv(io.BytesIO(csv))
with_lines = pyarrow.csv.ParseOptions(newlines_in_values=True)
print(
    json.dumps(
        {
            "pandas csv": [len(read), read["text"].tolist() == frame["text"].tolist(), read["big"].tolist() == frame["big"].tolist()],
            "pandas ndjson": pd.read_json(io.BytesIO(ndjson), lines=True)["status"].tolist(),
            "pandas page": len(pd.json_normalize(json.loads(results(as_csv, "application/json"))["results"])),
            "pyarrow csv": pyarrow.csv.read_csv(csv_file, parse_options=with_lines).column("text").to_pylist() == frame["text"].tolist(),
            "pyarrow ndjson": pyarrow.json.read_json(ndjson_file).column("id").to_pylist(),
            "pyarrow parquet": pyarrow.parquet.read_table(parquet_file).column("text").to_pylist() == frame["text"].tolist(),
            "duckdb parquet": duckdb.sql(f"select count(*), min(score) > 0, count(distinct big) from '{parquet_file}'").fetchall()[0],
            "duckdb csv": duckdb.sql(f"select count(*), count(distinct big) from read_csv('{csv_file}')").fetchall()[0],
            "duckdb ndjson": duckdb.sql(
                f"select count(*), min(score) > 0 from read_json('{ndjson_file}', format = 'newline_delimited')"
            ).fetchall()[0],
        }
    )
)
