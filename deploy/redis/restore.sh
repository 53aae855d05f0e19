#!/bin/sh
# Makes an empty data directory of Redis from a snapshot: restore.sh SNAPSHOT DIRECTORY
# Redis with `appendonly yes` reads its append-only file and no snapshot. So a server reads the snapshot without one, writes an
# append-only file, and ends; the next start is an ordinary one. It listens on a socket in the directory only.
set -eu
# The server below has no password.
unset REDISCLI_AUTH
snapshot=$1 directory=$2
if [ -e "$directory/appendonlydir" ]; then
  echo "$directory has data (appendonlydir). Restore into an empty directory." >&2
  exit 1
fi
socket=$directory/restore.sock
cp "$snapshot" "$directory/restore.rdb"
redis-server --port 0 --unixsocket "$socket" --dir "$directory" --dbfilename restore.rdb --appendonly no --save '' \
  --maxmemory-policy noeviction --daemonize no >"$directory/restore.log" 2>&1 &
server=$!
ask() { redis-cli -e -s "$socket" "$@"; }
# Errors while it loads; the process ends if it cannot.
until ask ping >/dev/null 2>&1; do
  kill -0 "$server" 2>/dev/null || { cat "$directory/restore.log" >&2; exit 1; }
  sleep 0.2
done
ask config set appendonly yes >/dev/null
while :; do
  state=$(ask info persistence)
  case $state in
    *aof_rewrite_in_progress:1*|*aof_rewrite_scheduled:1*) sleep 0.2 ;;
    *aof_last_bgrewrite_status:ok*) break ;;
    *) echo 'Redis cannot write its append-only file.' >&2; cat "$directory/restore.log" >&2; exit 1 ;;
  esac
done
echo "$(ask dbsize) keys"
ask shutdown nosave >/dev/null 2>&1 || true
wait "$server"
rm -f "$directory/restore.rdb" "$directory/restore.log" "$socket"
