"""httpx posts a batch, follows its events, and reads its results in each form. Prints what it has read as JSON."""

import json
import sys

import httpx

url, *images = sys.argv[1:]
batches = f"{url}/evaluator/v1/evaluation/batch"
lines = [json.dumps({"id": image, "image": image, "text": "a cup of coffee"}) for image in images]


def body():
    for line in lines:
        yield f"{line}\n".encode()


def blocks(response):
    """As the readers of several libraries do it: every empty line ends an event."""
    event = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(":")
            event[name] = value.removeprefix(" ")
        elif event:
            yield event
            event = {}


with httpx.Client(timeout=60) as client:
    posted = client.post(batches, content=body(), headers={"Content-Type": "application/x-ndjson"})
    address = f"{batches}/{posted.json()['id']}"
    with client.stream("GET", f"{address}/events") as response:
        events = [[block["event"], json.loads(block["data"])] for block in blocks(response)]
    forms = {
        accept: client.get(f"{address}/results", headers={"Accept": accept}).text
        for accept in ["application/json", "application/jsonl", "text/csv"]
    }
    with client.stream("GET", f"{address}/results", headers={"Accept": "application/x-ndjson"}) as response:
        streamed = [json.loads(line) for line in response.iter_lines()]
    uploaded = client.post(batches, files={"file": ("pairs.jsonl", "\n".join(lines))}, headers={"Prefer": 'wait="30"'})

print(
    json.dumps(
        {
            "posted": posted.status_code,
            "last": events[-1][0],
            "state": events[-1][1]["state"],
            "json": len(json.loads(forms["application/json"])["results"]),
            "jsonl": [json.loads(line)["id"] for line in forms["application/jsonl"].splitlines()],
            "csv": len(forms["text/csv"].splitlines()),
            "streamed": [result["status"] for result in streamed],
            "uploaded": [uploaded.status_code, len(uploaded.json().get("results", []))],
        }
    )
)
