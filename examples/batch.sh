#!/usr/bin/env bash
# A batch with curl: post lines of JSON, follow the batch to its end, read its results as CSV.
#   examples/batch.sh [file.ndjson]
# Without a file, the photos of this folder are sent, each with the name of its file as text.
set -euo pipefail
photos="$(dirname "$0")/photos"
service="${VLS_URL:-http://127.0.0.1:8000}/evaluator"
key=(${VLS_API_KEY:+-H "Authorization: Bearer $VLS_API_KEY"})

items() {
  for photo in "$photos"/*.jpg; do
    printf '{"id": "%s", "image": {"base64": "%s"}, "text": "%s"}\n' \
      "$(basename "$photo")" "$(base64 < "$photo" | tr -d '\n')" "a photo of $(basename "$photo" .jpg)"
  done
}

# With a key of your own, a post that got no answer can be sent again, and there is still one batch.
posted=$(if [ $# -gt 0 ]; then cat "$1"; else items; fi |
  curl --fail-with-body -sS ${key[@]+"${key[@]}"} -H 'Content-Type: application/x-ndjson' \
    -H "Idempotency-Key: ${IDEMPOTENCY_KEY:-example-$$-$(date +%s)}" --data-binary @- "$service/v1/evaluation/batch")
id=$(sed -E 's/^\{"id":"([^"]+)".*/\1/' <<< "$posted")

# Ends when the batch does.
curl --fail-with-body -sSN ${key[@]+"${key[@]}"} "$service/v1/evaluation/batch/$id/events" | sed -n 's/^event: /  /p' >&2

curl --fail-with-body -sS ${key[@]+"${key[@]}"} -H 'Accept: text/csv' "$service/v1/evaluation/batch/$id/results"
