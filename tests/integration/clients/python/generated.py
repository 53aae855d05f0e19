"""A client made by openapi-python-client, which sends every default that is documented. Prints what it has read as JSON."""

import io
import json
import sys
import time

sys.path.insert(0, sys.argv[1])
url, *images = sys.argv[2:]

from generated import Client, errors, models  # noqa: E402
from generated.api.evaluation import get_batch, get_batch_results, list_batches, post_batch, score_single  # noqa: E402
from generated.types import File  # noqa: E402

client = Client(base_url=url, timeout=60, raise_on_unexpected_status=True)
items = [models.BatchItem(image=image, text="a cup of coffee", id=f"item {n}") for n, image in enumerate(images)]
items[0].metadata = models.BatchItemMetadata.from_dict({"split": "train"})


def finished(batch):
    while batch.finished_at is None:
        time.sleep(0.2)
        batch = get_batch.sync(batch.id, client=client)
    return get_batch_results.sync(batch.id, client=client)


posted = post_batch.sync(client=client, body=models.BatchOfItems(items=items), idempotency_key="generated")
again = post_batch.sync(client=client, body=models.BatchOfItems(items=items), idempotency_key="generated")
page = finished(posted)
lines = "\n".join(json.dumps(item.to_dict()) for item in items)
upload = File(payload=io.BytesIO(lines.encode()), file_name="pairs.jsonl", mime_type="application/jsonl")
uploaded = finished(post_batch.sync(client=client, body=models.PostBatchFilesBody(file=upload)))
single = score_single.sync(client=client, body=models.SingleRequest(image=images[0], text=["a cat", "coffee"]))
refused = get_batch.sync("nobody", client=client)
results = sorted(page.results, key=lambda result: result.index)
print(
    json.dumps(
        {
            "same": posted.id == again.id,
            "kinds": [type(result).__name__ for result in results],
            "scored": results[0].score > 0,
            "metadata": results[0].metadata.to_dict(),
            "error": results[-1].error.code,
            "uploaded": len(uploaded.results),
            "single": [type(single).__name__, len(single.results)],
            "refused": [type(refused).__name__, refused.code],
            "listed": len(list_batches.sync(client=client).batches),
        }
    )
)
