"""Load from many simulated people, for those who have Python: pip install locust, then

    locust -f bench/load/locustfile.py --host http://127.0.0.1:8000 --users 20 --spawn-rate 5 --run-time 1m --headless

VLS_KEY is an API key, VLS_IMAGES an address of images with {n} in it (addresses must be such that the service may fetch
them); without VLS_IMAGES the images are sent inline. Ends with 1 when a threshold is missed.
"""

import base64
import itertools
import json
import os
import pathlib
import time

from locust import HttpUser, between, events, task

PHOTO = base64.b64encode(
    (pathlib.Path(__file__).parents[2] / "examples/photos/coffee.jpg").read_bytes()
).decode()
IMAGES = os.environ.get("VLS_IMAGES")
KEY = os.environ.get("VLS_KEY")
ITEMS = 16
BATCH_DEADLINE_SECONDS = 120
# Share of failed requests, and milliseconds.
MAX_FAIL_RATIO = 0.0
MAX_SINGLE_P95_MS = 2000
MAX_BATCH_P95_MS = 30000

numbers = itertools.count()


def pair():
    n = next(numbers)
    image = IMAGES.replace("{n}", str(n)) if IMAGES else PHOTO
    return {"image": image, "text": f"a photo of thing number {n} on a table"}


class Person(HttpUser):
    wait_time = between(0.5, 2)

    def on_start(self):
        if KEY:
            self.client.headers["Authorization"] = f"Bearer {KEY}"

    @task(10)
    def single(self):
        self.client.post("/evaluator/v1/evaluation/single", json=pair(), name="single")

    @task(1)
    def batch(self):
        begin = time.perf_counter()
        posted = self.client.post(
            "/evaluator/v1/evaluation/batch",
            json={"items": [pair() for _ in range(ITEMS)]},
            name="batch: post",
        )
        if posted.status_code != 202:
            return
        status = posted.json()
        while status["finishedAt"] is None and time.perf_counter() - begin < BATCH_DEADLINE_SECONDS:
            time.sleep(0.25)
            answer = self.client.get(f"/evaluator/v1/evaluation/batch/{status['id']}", name="batch: status")
            if answer.status_code == 200:
                status = answer.json()
        complete = status["state"] == "completed"
        self.environment.events.request.fire(
            request_type="BATCH",
            name="batch: post to end",
            response_time=1000 * (time.perf_counter() - begin),
            response_length=0,
            exception=None if complete else RuntimeError(json.dumps(status)),
        )


@events.quitting.add_listener
def judge(environment, **_):
    stats = environment.stats
    figures = [
        ("failed requests", stats.total.fail_ratio, MAX_FAIL_RATIO),
        ("single p95 ms", stats.get("single", "POST").get_response_time_percentile(0.95), MAX_SINGLE_P95_MS),
        ("batch p95 ms", stats.get("batch: post to end", "BATCH").get_response_time_percentile(0.95), MAX_BATCH_P95_MS),
    ]
    if stats.total.num_requests == 0:
        print("FAIL  no request was made")
        environment.process_exit_code = 1
    for name, value, bound in figures:
        passed = value <= bound
        print(f"{'pass' if passed else 'FAIL'}  {name}: {value:.3g} (bound {bound})")
        if not passed:
            environment.process_exit_code = 1
