"""The official client of OpenAI, over the embeddings of the service. Prints what it has read as JSON."""

import base64
import json
import struct
import sys

import openai

url, image = sys.argv[1:]
client = openai.OpenAI(base_url=f"{url}/evaluator/v1", api_key="none", max_retries=0)
models = [model.id for model in client.models.list()]
texts = ["a cat", "a dog"]
plain = client.embeddings.create(model=models[0], input=texts)
packed = client.embeddings.create(model=models[0], input=texts[0], encoding_format="base64")
as_floats = client.embeddings.create(model=models[0], input=texts[0], encoding_format="float")
pictured = client.embeddings.create(model=models[0], input=[{"image": image}])
sized = client.embeddings.create(model=models[0], input="a cat", dimensions=len(plain.data[0].embedding))


def refusal(**request):
    try:
        client.embeddings.create(**request)
    except openai.APIStatusError as error:
        return [type(error).__name__, error.code, str(error)]


decoded = base64.b64decode(packed.data[0].embedding)
print(
    json.dumps(
        {
            "models": models,
            "retrieved": client.models.retrieve(models[0]).id,
            "counts": [len(one.embedding) for one in plain.data + pictured.data + sized.data],
            "same": list(struct.unpack(f"<{len(decoded) // 4}f", decoded)) == as_floats.data[0].embedding,
            "tokens": plain.usage.total_tokens,
            "request_id": plain._request_id is not None,
            "refusals": [
                refusal(model="nobody", input="a cat"),
                refusal(model=models[0], input=[[320, 2368]]),
                refusal(model=models[0], input="a cat", dimensions=3),
                refusal(model=models[0], input=[]),
            ],
        }
    )
)
