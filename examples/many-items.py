#!/usr/bin/env python3
"""Prints 800 items as NDJSON: four photos with generated texts. The address of one image in fifty is wrong.

    examples/many-items.py http://localhost:9000
"""

import json
import sys

photos = ["chelsea.jpg", "coffee.jpg", "rocket.jpg", "alpine.jpg"]
texts = ["a cat looking at the camera", "a cup of coffee", "a rocket at night", "a snowy mountain"]

for i in range(800):
    name = "missing.jpg" if i % 50 == 7 else photos[i % 4]
    print(json.dumps({"id": f"i{i}", "image": f"{sys.argv[1]}/{name}?{i}", "text": f"{texts[i // 4 % 4]} {i}"}))
