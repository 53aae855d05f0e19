#!/usr/bin/env bash
# One image against two texts, with curl:
#   examples/score.sh [image] [text] [text]
set -euo pipefail
photos="$(dirname "$0")/photos"
service="${VLS_URL:-http://127.0.0.1:8000}/evaluator"
key=(${VLS_API_KEY:+-H "Authorization: Bearer $VLS_API_KEY"})

curl --fail-with-body -sS ${key[@]+"${key[@]}"} \
  -F "image=@${1:-$photos/chelsea.jpg}" -F "text=${2:-a cat}" -F "text=${3:-a cup of coffee}" \
  "$service/v1/evaluation/single"
echo
