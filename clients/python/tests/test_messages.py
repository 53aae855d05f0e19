import json

import httpx
import pytest

from vls import AsyncClient, BatchFailed, Client, ServiceError
from vls.retry import Retries

MISSING = "http://127.0.0.1:9/missing.jpg"


@pytest.mark.parametrize("call", [lambda client: client.models(), lambda client: client.open_batch("x").dataframe()])
def test_without_a_service_the_error_has_its_address(call):
    with pytest.raises(httpx.ConnectError) as raised:
        call(Client("http://127.0.0.1:9", retries=Retries(attempts=0)))
    message = str(raised.value)
    assert message.startswith("No answer from http://127.0.0.1:9: ")
    assert message.endswith("; start the service, or set its address with url= or VLS_URL")
    assert raised.value.request.url.port == 9


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_an_address_without_http_is_refused_at_once(kind):
    with pytest.raises(ValueError, match="must begin with http:// or https://, not 'localhost:8000'"):
        kind("localhost:8000")


def test_a_response_of_another_server_has_its_address_and_status():
    transport = httpx.MockTransport(lambda request: httpx.Response(404, text="<html>\n  <b>Not found</b>"))
    with pytest.raises(ServiceError) as raised:
        Client("http://other:81", transport=transport).models()
    assert raised.value.code == "unknown"
    assert raised.value.detail == (
        "http://other:81/evaluator/v1/models returned 404 without an error code of the service; check the address of "
        "the client, and proxies. The response begins: <html> <b>Not found</b>"
    )


def test_messages_of_the_service_name_the_parameters_of_the_client(client, tmp_path):
    table = tmp_path / "pairs.csv"
    table.write_text(f"photo;caption\n{MISSING};nothing\n")

    def refusal(call):
        with pytest.raises(ServiceError) as raised:
            call()
        return raised.value.detail

    assert refusal(lambda: client.batch(table, image="photo", text="caption")).endswith(
        '. Set this separator with delimiter=";"'
    )
    assert refusal(lambda: client.batch(table, delimiter=";")).endswith('. Name another column with image="NAME"')
    assert refusal(lambda: client.batch(table, priorty=1)) == 'There is no option "priorty"; did you mean priority?'
    client.batch([(MISSING, "a")], idempotency_key="used")
    assert refusal(lambda: client.batch([(MISSING, "b")], idempotency_key="used")).startswith(
        "This idempotency_key was"
    )
    batch = client.batch([(MISSING, "a")])
    batch.wait(timeout=600, check=False)
    assert refusal(lambda: batch.change(retention_hours=1e9)).startswith("retention_hours: is")
    assert refusal(lambda: list(batch.results(limit=1))).startswith("limit: applies only together with `sort`")


@pytest.mark.parametrize(
    "detail, message",
    [
        (
            "The TSV has no column a. Set this separator with the query parameter ?delimiter=%09",
            r'The TSV has no column a. Set this separator with delimiter="\t"',
        ),
        (
            "Send an API key as `Authorization: Bearer <key>` or `X-API-Key: <key>`, or sign in with a browser",
            "Set the API key with api_key= or VLS_API_KEY",
        ),
    ],
)
def test_other_words_of_http_are_replaced(detail, message):
    assert ServiceError(400, {"code": "request.invalid", "detail": detail}).detail == message


def test_a_failed_batch_says_what_failed_and_that_its_results_can_be_read(client, tmp_path):
    pairs = [(str(tmp_path / "lost.jpg"), "a"), (MISSING, "b"), (MISSING, "c")]
    batch = client.batch(pairs)
    with pytest.raises(BatchFailed) as raised:
        batch.wait(timeout=600)
    assert raised.value.failures == {"image.fetch.blocked_address": 2, "image.file.not_found": 1}
    assert raised.value.first.index == 0
    assert str(raised.value) == (
        f"Batch {batch.id} has ended as failed (all_failed). Failed items by code: 2 image.fetch.blocked_address, "
        f"1 image.file.not_found. Item 0 failed with: There is no file {tmp_path / 'lost.jpg'}. The methods dataframe() "
        "and results() of the batch still return all results"
    )
    assert list(batch.dataframe()["status"]) == ["failed"] * 3


def test_the_error_of_a_failed_batch_does_not_need_its_results():
    items = {"total": 1, "succeeded": 0, "failed": 1, "cancelled": 0, "pending": 0}
    status = {"id": "x", "state": "failed", "items": items, "failures": {"image.corrupt": 1}, "reason": "all_failed"}

    def answer(request):
        if request.url.path.endswith("/results"):
            return httpx.Response(404, json={"code": "batch.not_found", "detail": "There is no batch x"})
        return httpx.Response(200, content=json.dumps(status))

    with pytest.raises(BatchFailed, match=r"by code: 1 image.corrupt\. The methods"):
        Client("http://test", transport=httpx.MockTransport(answer)).open_batch("x").wait()
