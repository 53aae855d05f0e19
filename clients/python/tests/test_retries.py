import asyncio
import time

import httpx
import pytest

from vls import AsyncClient, Client, ServiceError
from vls.retry import Retries

SCORED = {"results": [{"text": "a cat", "score": 51.6, "cosine": 0.516}], "receipt": {}, "timings": {}}


def answering(*responses):
    """Returns a transport that gives these responses in turn, and the list of the requests."""
    requests = []

    def answer(request):
        requests.append(request)
        response = responses[len(requests) - 1]
        if isinstance(response, Exception):
            raise response
        return response

    return httpx.MockTransport(answer), requests


def refused(status, code="overloaded", **headers):
    return httpx.Response(status, json={"code": code, "detail": "Later"}, headers=headers)


def test_a_refused_request_is_sent_again_after_its_retry_after():
    transport, requests = answering(refused(503, **{"Retry-After": "0.2"}), httpx.Response(200, json=SCORED))
    began = time.monotonic()
    assert Client("http://test", transport=transport).score("https://a/b.jpg", "a cat").cosine == 0.516
    assert time.monotonic() - began >= 0.2
    assert [request.url.path for request in requests] == ["/evaluator/v1/evaluation/single"] * 2


def test_a_broken_connection_is_tried_again():
    transport, requests = answering(httpx.ConnectError("no"), httpx.Response(200, json=SCORED))
    assert Client("http://test", transport=transport).score("https://a/b.jpg", "a cat").score == 51.6
    assert len(requests) == 2


@pytest.mark.parametrize("status, code", [(422, "image.corrupt"), (504, "image.fetch.timeout"), (400, "model.unknown")])
def test_other_refusals_are_errors_with_a_stable_code(status, code):
    transport, requests = answering(refused(status, code))
    with pytest.raises(ServiceError) as raised:
        Client("http://test", transport=transport).score("https://a/b.jpg", "a cat")
    assert (raised.value.status, raised.value.code, len(requests)) == (status, code, 1)


def test_the_attempts_end():
    transport, requests = answering(*[refused(503, **{"Retry-After": "0"}) for _ in range(3)])
    with pytest.raises(ServiceError):
        Client("http://test", transport=transport, retries=Retries(attempts=2)).score("https://a/b.jpg", "a cat")
    assert len(requests) == 3


def test_a_batch_of_an_iterator_is_posted_once_and_one_of_a_list_again_with_the_same_key():
    pairs = [("https://a/b.jpg", "a cat")]
    transport, requests = answering(*[refused(503, **{"Retry-After": "0"}) for _ in range(5)])
    client = Client("http://test", transport=transport, retries=Retries(attempts=1))
    for source in (iter(pairs), pairs):
        with pytest.raises(ServiceError):
            client.batch(source)
    assert len(requests) == 3
    assert requests[1].headers["idempotency-key"] == requests[2].headers["idempotency-key"]
    assert requests[1].read() == requests[2].read() == b'{"image": "https://a/b.jpg", "text": "a cat"}\n'


@pytest.mark.parametrize(
    "file, options, name",
    [("mine.csv", {}, "mine.csv"), ("mine.csv", {"name": "November"}, "November"), ("a\udcff.csv", {}, "a?.csv")],
)
def test_a_batch_of_a_file_has_its_name(tmp_path, file, options, name):
    (tmp_path / file).write_text("image,text\nhttps://a/b.jpg,a cat\n")
    transport, requests = answering(*[refused(400) for _ in range(2)])
    client = Client("http://test", transport=transport)
    for source in (str(tmp_path / file), [("https://a/b.jpg", "a cat")]):
        with pytest.raises(ServiceError):
            client.batch(source, **options)
    assert [request.url.params.get("name") for request in requests] == [name, options.get("name")]


def test_the_async_client_retries_as_well():
    transport, requests = answering(refused(429, **{"Retry-After": "0"}), httpx.Response(200, json=SCORED))

    async def score():
        async with AsyncClient("http://test", transport=transport) as client:
            return await client.score("https://a/b.jpg", ["a cat"])

    assert [one.text for one in asyncio.run(score())] == ["a cat"]
    assert len(requests) == 2


def test_the_probability_of_a_pair_is_there_when_the_model_has_one():
    scored = {"text": "a cat", "score": 9.1, "cosine": 0.091, "probability": 0.1}
    answer = httpx.Response(200, json={**SCORED, "results": [scored]})
    transport, _ = answering(answer, httpx.Response(200, json=SCORED))
    client = Client("http://test", transport=transport)
    assert client.score("https://a/b.jpg", "a cat").probability == 0.1
    assert client.score("https://a/b.jpg", "a cat").probability is None
