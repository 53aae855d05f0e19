import asyncio
import os
import tarfile

import numpy as np
import pandas as pd
import pyarrow.parquet as parquet
import pytest

from vls import AsyncClient, BatchFailed, ClipScore, ServiceError
from vls.png import encode_png

MISSING = "http://127.0.0.1:9/missing.jpg"


def test_a_path_its_bytes_and_a_mapping_score_the_same(client, photos):
    coffee = photos / "coffee.jpg"
    by_path = client.score(coffee, "a cup of coffee")
    assert by_path.score == pytest.approx(100 * by_path.cosine, abs=1e-3)
    assert by_path.receipt["model"] == "compact-1"
    for image in (str(coffee), coffee.read_bytes(), {"bytes": coffee.read_bytes(), "path": "coffee.jpg"}):
        assert client.score(image, "a cup of coffee").cosine == by_path.cosine
    both = client.score(coffee, ["a rocket", "a cup of coffee"])
    assert [one.text for one in both] == ["a rocket", "a cup of coffee"]
    assert both[1].cosine == by_path.cosine > both[0].cosine


def test_refusals_have_the_code_of_the_service(client):
    with pytest.raises(ServiceError) as raised:
        client.score(MISSING, "a cat")
    assert raised.value.code == "image.fetch.blocked_address"
    assert raised.value.request_id


def test_many_pairs_come_in_their_order_and_a_bad_one_fails_alone(client, photos, captions):
    pairs = [(photos / name, text) for name, text in captions.items()] * 3 + [(MISSING, "nothing")]
    results = list(client.score_many(pairs, concurrency=4, progress=True))
    assert [result.index for result in results] == list(range(19))
    assert [result.cosine for result in results[:6]] == [result.cosine for result in results[6:12]]
    assert results[-1].error.code == "image.fetch.blocked_address"


def test_an_image_file_that_cannot_be_read_fails_alone(client, photos, captions, tmp_path):
    coffee = (photos / "coffee.jpg", captions["coffee.jpg"])
    pairs = [(tmp_path / "lost.jpg", "nothing"), (str(tmp_path / "lost.png"), "nothing"), (tmp_path, "nothing"), coffee]
    expected = ["image.file.not_found", "image.file.not_found", "image.file.refused", None]
    frame = pd.DataFrame({"image": [image for image, _ in pairs], "text": [text for _, text in pairs]})
    for source in (pairs, frame):
        batch = client.batch(source)
        assert batch.wait(timeout=600).succeeded == 1
        results = list(batch.results())
        assert [result.error and result.error.code for result in results] == expected
        assert results[0].error.message == f"There is no file {tmp_path / 'lost.jpg'}"
    many = list(client.score_many(pairs))
    assert [result.error and result.error.code for result in many] == expected
    with pytest.raises(FileNotFoundError):
        client.score(str(tmp_path / "lost.png"), "nothing")
    with pytest.raises(FileNotFoundError, match="photos/set"):
        client.score("photos/set", "nothing")
    (one,) = client.score_many([("photos/set", "nothing")])
    assert one.error.code == "image.file.not_found"


def test_a_pair_without_image_or_text_fails_alone(client, photos, captions):
    coffee = photos / "coffee.jpg"
    pairs = [(None, "a"), (np.nan, "a"), (coffee, np.nan), (coffee, None), (coffee, captions["coffee.jpg"])]
    codes = ["item.invalid", "item.invalid", "text.empty", "text.empty", None]
    many = list(client.score_many(pairs))
    assert [result.error and result.error.code for result in many] == codes
    assert [result.error.message for result in many[:3]] == [
        "pair 0: the image is missing",
        "pair 1: the image is missing",
        "The text is empty",
    ]
    frame = pd.DataFrame({"photo": [str(coffee), None, str(coffee)], "caption": ["a cup", "b", np.nan], "n": [1, 2, 3]})
    batch = client.batch(frame, image="photo", text="caption")
    batch.wait(timeout=600)
    scored = batch.dataframe()
    assert [code if isinstance(code, str) else None for code in scored["error_code"]] == [None, *codes[1:3]]
    assert scored["error_message"][1] == "row 1: column photo is empty"
    assert list(scored["n"]) == [1, 2, 3]
    with pytest.raises(TypeError, match="^Pair 1: Expected a text or a list of texts, got int$"):
        list(client.score_many([(coffee, "a"), (coffee, 5)]))


def test_a_data_frame_comes_back_with_its_columns_and_scores(client, photos, captions, tmp_path):
    frame = pd.DataFrame(
        {
            "key": ["a", "b", "c"],
            "file": [photos / "coffee.jpg", photos / "rocket.jpg", MISSING],
            "caption": [captions["coffee.jpg"], captions["rocket.jpg"], "nothing"],
            "width": [600, np.nan, 7],
            "sharp": [True, False, True],
            "taken": pd.to_datetime(["2020-01-01", None, "2021-01-01"]),
        }
    )
    batch = client.batch(frame, image="file", text="caption", id="key", idempotency_key="frame-1")
    again = client.batch(frame, image="file", text="caption", id="key", idempotency_key="frame-1")
    assert again.id == batch.id
    status = batch.wait(progress=True, timeout=600)
    assert (status.state, status.total, status.succeeded, status.failed) == ("completed_with_errors", 3, 2, 1)
    scored = batch.dataframe()
    assert list(scored["key"]) == ["a", "b", "c"]
    assert list(scored["caption"]) == list(frame["caption"])
    assert list(scored["status"]) == ["succeeded", "succeeded", "failed"]
    assert scored["score"][0] == client.score(photos / "coffee.jpg", captions["coffee.jpg"]).score
    assert scored["error_code"][2] == "image.fetch.blocked_address"
    assert [scored[name].dtype.kind for name in frame] == [frame[name].dtype.kind for name in frame]
    assert scored["width"][0] == 600 and np.isnan(scored["width"][1])
    assert list(scored["taken"].dt.year) == [2020, pytest.approx(np.nan, nan_ok=True), 2021]
    assert list(scored["sharp"]) == [True, False, True]
    batch.to_parquet(tmp_path / "scored.parquet")
    assert parquet.read_table(tmp_path / "scored.parquet").num_rows == 3
    assert [path.name for path in tmp_path.iterdir()] == ["scored.parquet"]
    results = list(batch.results())
    assert [result.id for result in results] == ["a", "b", "c"]
    assert results[0].metadata == {"width": 600.0, "sharp": True, "taken": "2020-01-01T00:00:00"}
    assert [result.index for result in batch.results(status="failed")] == [2]
    assert batch.summary()["succeeded"] == 2


def test_a_data_frame_keeps_its_images_but_the_service_returns_no_bytes(client, photos, tmp_path):
    coffee, rocket = [(photos / name).read_bytes() for name in ("coffee.jpg", "rocket.jpg")]
    frame = pd.DataFrame(
        {
            "img": [coffee, {"bytes": rocket, "path": "rocket.jpg"}, None],
            "caption": ["a cup of coffee", "a rocket", "nothing"],
            "index": [7, 8, 9],
        },
        index=["x", "y", "z"],
    )
    batch = client.batch(frame, image="img", text="caption")
    batch.wait(timeout=600)
    scored = batch.dataframe()
    assert list(scored["img"]) == list(frame["img"])
    assert list(scored["index"]) == [7, 8, 9]
    lowest = batch.dataframe(sort="score", status="succeeded")
    captions = dict(zip(frame["caption"], frame["img"]))
    assert [captions[caption] for caption in lowest["caption"]] == list(lowest["img"])
    assert len(lowest) == 2
    assert list(client.open_batch(batch.id).dataframe()["img"].isna()) == [True, False, True]
    batch.to_parquet(tmp_path / "scored.parquet")
    assert pd.isna(pd.read_parquet(tmp_path / "scored.parquet")["img"][0])
    assert (list(scored.index), list(frame.index)) == ([0, 1, 2], ["x", "y", "z"])


def test_duplicates_are_left_out_by_the_bytes_of_their_images(client, photos, tmp_path):
    (tmp_path / "copy.jpg").write_bytes((photos / "coffee.jpg").read_bytes())
    frame = pd.DataFrame(
        {
            "image": [str(photos / "coffee.jpg"), str(tmp_path / "copy.jpg"), str(photos / "rocket.jpg")],
            "text": ["a rocket", "a cup of coffee", "a rocket"],
        }
    )
    batch = client.batch(frame)
    batch.wait(timeout=600)
    best = {result.index: result.group_size for result in batch.results(distinct="image", sort="-score")}
    assert best == {1: 2, 2: 1}
    assert len(list(batch.results(distinct="pair"))) == 3
    assert list(batch.dataframe(distinct="image")["group_size"]) == [2, 1]
    assert [result.index for result in batch.results(sameImageAs=1)] == [0, 1]


def test_files_are_posted_as_they_are_and_parquet_by_its_rows(client, photos, tmp_path):
    pixels = (photos / "coffee.jpg").read_bytes()
    frame = pd.DataFrame({"image": [{"bytes": pixels, "path": "coffee.jpg"}], "text": ["a cup of coffee"], "n": [1]})
    frame.to_parquet(tmp_path / "pairs.parquet")
    (tmp_path / "pairs.csv").write_text(f"image,text\n{MISSING},nothing\n")
    assert client.batch(tmp_path / "pairs.parquet").wait(timeout=600).succeeded == 1
    with tarfile.open(tmp_path / "shard.tar", "w") as shard:
        shard.add(photos / "coffee.jpg", "coffee.jpg")
        (tmp_path / "coffee.txt").write_text("a cup of coffee")
        shard.add(tmp_path / "coffee.txt", "coffee.txt")
    sharded = client.batch(tmp_path / "shard.tar")
    assert sharded.wait(timeout=600).succeeded == 1
    assert [result.id for result in sharded.results()] == ["coffee"]
    failing = client.batch(str(tmp_path / "pairs.csv"))
    with pytest.raises(BatchFailed) as raised:
        failing.wait(timeout=600)
    assert raised.value.reason == "all_failed"
    retried = failing.retry()
    assert retried.wait(timeout=600, check=False).failed == 1
    retried.delete()
    with pytest.raises(ServiceError):
        retried.status()
    with pytest.raises(ValueError, match="no column text"):
        client.batch(pd.DataFrame({"image": []}))


def test_embeddings_are_an_array_and_give_the_cosines_of_the_scores(client, photos):
    coffee = photos / "coffee.jpg"
    rows = client.embed(["a cup of coffee", "a rocket", coffee])
    assert (rows.shape, rows.dtype) == ((3, 384), np.float32)
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    scores = client.score(coffee, ["a cup of coffee", "a rocket"])
    assert rows[:2] @ rows[2] == pytest.approx([one.cosine for one in scores], abs=1e-5)


def test_the_metric_is_the_mean_of_the_cosines_and_reads_pixels(client, photos, captions):
    metric = ClipScore(client)
    with pytest.raises(RuntimeError):
        metric.compute()
    names = ["coffee.jpg", "rocket.jpg", "chelsea.jpg"]
    cosines = [client.score(photos / name, captions[name]).cosine for name in names]
    first = metric([photos / names[0], photos / names[1]], [captions[names[0]], captions[names[1]]])
    assert first == pytest.approx(50 * (cosines[0] + cosines[1]))
    metric.update(photos / names[2], captions[names[2]])
    assert metric.compute() == pytest.approx(100 * np.mean(cosines))
    metric.reset()
    # torchmetrics takes the mean before it cuts off negative values, so a negative cosine counts.
    stack = np.stack([np.full((3, 8, 8), 200), np.zeros((3, 8, 8))])
    texts = ["a plain grey square", "a crowded market street in bright sunshine"]
    metric.update(stack, texts)
    alone = [client.score(encode_png(image), text).cosine for image, text in zip(stack, texts)]
    assert metric.compute() == pytest.approx(max(0, 100 * np.mean(alone)))
    with pytest.raises(ValueError):
        metric.update(stack, "one text")


def test_pixels_become_the_same_image_in_both_orders():
    rows = np.random.default_rng(7).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    assert encode_png(rows) == encode_png(rows.transpose(2, 0, 1)) == encode_png(rows.astype(np.float32))
    with pytest.raises(ValueError, match="0 to 255"):
        encode_png(rows.astype(np.float32) * 2)


def test_the_async_client_does_the_same(client, photos, captions):
    async def run():
        async with AsyncClient(os.environ["VLS_URL"]) as twin:
            pairs = [(photos / name, text) for name, text in captions.items()]
            many = [result async for result in twin.score_many(pairs, concurrency=3)]
            batch = await twin.batch(pairs)
            status = await batch.wait(timeout=600)
            results = [result async for result in batch.results()]
            frame = await batch.dataframe()
            return many, status, results, frame, await twin.embed(["a cat"])

    many, status, results, frame, rows = asyncio.run(run())
    assert status.state == "completed"
    assert [one.cosine for one in many] == [one.cosine for one in results] == list(frame["cosine"])
    assert rows.shape == (1, 384)


def test_models_are_listed_with_their_state(client):
    assert [(model["model"], model["state"]) for model in client.models() if model["default"]] == [
        ("compact-1", "loaded")
    ]


def test_stored_embeddings_are_arrays_and_score_other_texts(client, photos, captions, tmp_path):
    pairs = [(photos / name, text) for name, text in captions.items()]
    batch = client.batch(pairs, embeddings="both", embeddingPrecision="float32")
    batch.wait(timeout=600)
    images, texts = batch.embeddings("image"), batch.embeddings("text")
    assert (images.dtype, images.shape) == (np.float32, texts.shape)
    cosines = [result.cosine for result in batch.results()]
    assert np.abs((images.astype("f8") * texts.astype("f8")).sum(1) - cosines).max() < 1e-6
    batch.to_npy(tmp_path / "images.npy", "image")
    assert (np.load(tmp_path / "images.npy", mmap_mode="r") == images).all()

    frame = pd.DataFrame({"image": [1, 0], "text": [pairs[1][1], pairs[1][1]]})
    other = client.batch(frame, imagesFrom=batch.id)
    other.wait(timeout=600)
    scored = [result.cosine for result in other.results()]
    assert scored[0] == cosines[1]
    assert scored[1] == pytest.approx(float(images[0] @ texts[1]), abs=1e-5)


def test_the_async_client_reads_embeddings_and_scores_many(photos, captions):
    async def run():
        async with AsyncClient(os.environ["VLS_URL"]) as client:
            pairs = [(photos / name, text) for name, text in captions.items()]
            many = [result async for result in client.score_many(pairs, concurrency=2, progress=True)]
            batch = await client.batch(pairs, embeddings="text")
            await batch.wait(timeout=600)
            return many, await batch.embeddings(), [result async for result in batch.results()]

    many, texts, results = asyncio.run(run())
    assert (texts.dtype, len(texts)) == (np.float16, len(results))
    assert [result.cosine for result in many] == [result.cosine for result in results]


def test_the_labels_of_a_judged_sample_are_a_data_frame(client, photos, captions):
    names = ["coffee.jpg", "rocket.jpg", "chelsea.jpg"]
    batch = client.batch([{"id": name, "image": photos / name, "text": captions[name]} for name in names])
    batch.wait(timeout=600)
    columns = ["index", "id", "text", "image", "score", "label"]
    none = batch.labels()
    assert (list(none.columns), len(none)) == (columns, 0)
    path = f"/evaluator/v1/evaluation/batch/{batch.id}/judgement"
    begun = client._http.put(path, json={"edges": [0], "indexes": [2, 0], "replaces": None}).json()
    label = {"index": 2, "label": "right"}
    client._http.patch(path, json={"sample": begun["sample"], "labels": [label]}).raise_for_status()
    labels = batch.labels()
    assert list(labels.columns) == columns
    assert list(labels["id"]) == ["chelsea.jpg", "coffee.jpg"]
    assert list(labels["image"]) == [str(photos / "chelsea.jpg"), str(photos / "coffee.jpg")]
    assert list(labels["score"]) == [result.score for result in batch.results() if result.index in (2, 0)][::-1]
    assert labels["label"][0] == "right" and labels["label"].isna().tolist() == [False, True]
