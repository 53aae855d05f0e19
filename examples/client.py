#!/usr/bin/env python3
"""The service from Python, with nothing but the standard library.

    python3 examples/client.py                       # the photos of this folder
    python3 examples/client.py photo.jpg "a cat" "a dog"

VLS_URL and VLS_API_KEY say where the service is, and the key it wants.
"""

import base64
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

SERVICE = os.environ.get("VLS_URL", "http://127.0.0.1:8000").rstrip("/") + "/evaluator"
PHOTOS = Path(__file__).parent / "photos"


class Refused(Exception):
    """The service has answered with a problem document; `code` is stable."""

    def __init__(self, status, problem):
        super().__init__(f"{problem.get('code')}: {problem.get('detail')}")
        self.status = status
        self.code = problem.get("code")


def call(method, path, body=None, headers=None):
    """Sends a request and waits when the service asks for it; returns the open response."""
    headers = dict(headers or {})
    if key := os.environ.get("VLS_API_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    for attempt in range(6):
        try:
            return urllib.request.urlopen(
                urllib.request.Request(SERVICE + path, data=body, headers=headers, method=method)
            )
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503) or attempt == 5:
                raise Refused(error.code, json.load(error)) from None
            time.sleep(min(60, int(error.headers.get("Retry-After") or 2**attempt)))


def as_source(image):
    """An address as it is; a file as base64."""
    if str(image).startswith(("http://", "https://")):
        return str(image)
    return {"base64": base64.b64encode(Path(image).read_bytes()).decode()}


def score(image, texts, model=None):
    """Scores of one image against several texts, in the order of the texts."""
    body = {"image": as_source(image), "text": list(texts), **({"model": model} if model else {})}
    answer = json.load(
        call("POST", "/v1/evaluation/single", json.dumps(body).encode(), {"Content-Type": "application/json"})
    )
    return [result["score"] for result in answer["results"]]


def post_batch(pairs):
    """Posts (image, text) pairs; returns the id of the batch."""
    lines = "\n".join(json.dumps({"image": as_source(image), "text": text}) for image, text in pairs)
    headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": str(uuid.uuid4())}
    return json.load(call("POST", "/v1/evaluation/batch", lines.encode(), headers))["id"]


def follow(batch):
    """Yields the counts of a batch until it has ended; takes up again where a connection broke."""
    last = None
    while True:
        headers = {"Last-Event-ID": last} if last else {}
        with call("GET", f"/v1/evaluation/batch/{batch}/events", headers=headers) as response:
            if response.status == 204:
                return
            event = None
            for line in response:
                field, _, value = line.decode().rstrip("\n").partition(": ")
                if field == "id":
                    last = value
                elif field == "event":
                    event = value
                elif field == "data":
                    data = json.loads(value)
                    if "items" in data:
                        yield data["items"]
                    if event == "end":
                        return
        time.sleep(1)


def results(batch):
    """Yields the results of a batch in the order of its pairs, without holding them all."""
    with call("GET", f"/v1/evaluation/batch/{batch}/results", headers={"Accept": "application/x-ndjson"}) as response:
        for line in response:
            yield json.loads(line)


def main(arguments):
    if arguments:
        image, *texts = arguments
        for text, value in zip(texts, score(image, texts)):
            print(f"{value:6.2f}  {text}")
        return
    captions = json.loads((PHOTOS / "captions.json").read_text())
    pairs = [(PHOTOS / name, caption) for name, caption in captions.items()]
    batch = post_batch(pairs)
    for items in follow(batch):
        print(f"{items['total'] - items['pending']} of {items['total']}", file=sys.stderr)
    for result in results(batch):
        image, text = pairs[result["index"]]
        if result["status"] == "succeeded":
            print(f"{result['score']:6.2f}  {image.name}  {text}")
        else:
            print(f"failed  {image.name}  {result.get('error', {}).get('code', result['status'])}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refused as error:
        sys.exit(str(error))
    except urllib.error.URLError as error:
        sys.exit(f"The service at {SERVICE} cannot be reached ({error.reason}); `npm start` runs it here.")
