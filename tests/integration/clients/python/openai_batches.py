"""The official client of OpenAI at the root of the service: files, batches and errors. Prints what it has read as JSON."""

import json
import sys
import time

import openai

url, image = sys.argv[1:]
client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
lines = [
    {"custom_id": f"line-{at}", "method": "POST", "url": "/v1/embeddings", "body": {"model": "compact", "input": given}}
    for at, given in enumerate(["a cat", ["a dog", "a rocket"], {"image": image}, [320, 2368]])
]
content = "\n".join(json.dumps(line) for line in lines).encode()
file = client.files.create(file=("lines.jsonl", content), purpose="batch")
listed = [one.id for one in client.files.list(limit=1)]
posted = client.batches.create(
    input_file_id=file.id, endpoint="/v1/embeddings", completion_window="24h", metadata={"project": "cats"}
)
batch = posted
while batch.status not in ("completed", "failed", "cancelled"):
    time.sleep(0.1)
    batch = client.batches.retrieve(posted.id)
output = [json.loads(line) for line in client.files.content(batch.output_file_id).text.splitlines()]
errors = [json.loads(line) for line in client.files.content(batch.error_file_id).text.splitlines()]


def failure(call):
    try:
        call()
    except openai.APIStatusError as error:
        return [type(error).__name__, error.code]


print(
    json.dumps(
        {
            "models": [[model.id, model.object] for model in client.models.list()],
            "listed": file.id in listed,
            "content": client.files.content(file.id).read() == content,
            "counts": [batch.request_counts.total, batch.request_counts.completed, batch.request_counts.failed],
            "metadata": batch.metadata,
            "batches": posted.id in [one.id for one in client.batches.list(limit=1)],
            "output": [[line["custom_id"], len(line["response"]["body"]["data"])] for line in output],
            "errors": [[line["custom_id"], line["response"]["body"]["error"]["code"]] for line in errors],
            "deleted": client.files.delete(file.id).deleted,
            "refusals": [
                failure(lambda: client.files.retrieve(file.id)),
                failure(lambda: client.batches.retrieve("batch_none")),
                failure(lambda: client.files.create(file=("a.jsonl", b"{}"), purpose="fine-tune")),
                failure(lambda: client.chat.completions.create(model="compact", messages=[])),
            ],
        }
    )
)
