#!/usr/bin/env bash
# The two services and the real stores on this machine's loopback, without containers; Ctrl-C stops all of it.
#
#   PORT    of the web (8002)
#   DATA    folder for everything that is kept (./data)
#   CONFIG  a configuration file of yours; the addresses of the stores, PORT and DATA are set over it
#
# Each server is started again a second after it dies, and monitor and web after 15 seconds in which they hang. Ten short
# lives in a row, or a program that says it is used wrongly, end everything. Logs are rotated at 10 MB. Needs bash, and
# Debian's redis-server, memcached and influxdb.
set -uo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
bin=$root/.venv/bin
port=${PORT:-8002}
data=${DATA:-data}
config=(${CONFIG:+-c "$CONFIG"})

fail() {
  echo "run-local: $1" >&2
  exit 2
}

missing=
for pair in redis-server:redis-server memcached:memcached influxd:influxdb; do
  command -v "${pair%:*}" >/dev/null || missing+=" ${pair#*:}"
done
[ -z "$missing" ] || fail "missing servers; run: sudo apt-get install -y --no-install-recommends$missing"
[ -x "$bin/virtuoso" ] || fail "the program is not installed; run: make -C $root install"
mkdir -p "$data"/{log,redis,influx} || fail "DATA = $data: cannot be made; name a folder that can"
data=$(cd "$data" && pwd)

read -r redis memcached influx influx_rpc < <("$bin/python" - <<'PYTHON'
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
print(*(sock.getsockname()[1] for sock in sockets))
PYTHON
)

export VIRTUOSO__CACHE__TIERS='[memory, memcached, redis]'
export VIRTUOSO__CACHE__REDIS_URL=redis://127.0.0.1:$redis/0
export VIRTUOSO__CACHE__MEMCACHED=127.0.0.1:$memcached
export VIRTUOSO__TIMESERIES__STORE=influx
export VIRTUOSO__TIMESERIES__INFLUX__URL=http://127.0.0.1:$influx
export VIRTUOSO__WEB__HOST=127.0.0.1
export VIRTUOSO__WEB__PORT=$port
export VIRTUOSO__DATA_DIR=$data/virtuoso
"$bin/virtuoso" config check "${config[@]}" >/dev/null || exit 2

# keep NAME COMMAND…: run it, and again when it dies or, where it is ours, hangs.
keep() {
  local name=$1 watch=()
  shift
  [[ $1 != "$bin/virtuoso" ]] || watch=(--watchdog 15)
  exec "$bin/python" -I "$root/deploy/keep.py" "${watch[@]}" "$name" "$data/log/$name.log" "$@"
}

stores=() services=() announce=
stop() {
  trap '' INT TERM HUP
  [ -z "$announce" ] || kill "$announce" 2>/dev/null
  ((${#services[@]} == 0)) || { kill "${services[@]}" 2>/dev/null; wait "${services[@]}"; }
  ((${#stores[@]} == 0)) || { kill "${stores[@]}" 2>/dev/null; wait "${stores[@]}"; }
}
trap 'stop; exit 0' INT TERM HUP

as=()
[ "$(id -u)" != 0 ] || as=(-u nobody)
keep redis redis-server --bind 127.0.0.1 --port "$redis" --dir "$data/redis" --save "" --appendonly no \
  --maxmemory 256mb --maxmemory-policy noeviction &
stores+=($!)
keep memcached memcached "${as[@]}" -l 127.0.0.1 -p "$memcached" -U 0 -m 64 &
stores+=($!)
keep influx env INFLUXDB_REPORTING_DISABLED=true INFLUXDB_BIND_ADDRESS="127.0.0.1:$influx_rpc" \
  INFLUXDB_HTTP_BIND_ADDRESS="127.0.0.1:$influx" INFLUXDB_HTTP_LOG_ENABLED=false \
  INFLUXDB_META_DIR="$data/influx/meta" INFLUXDB_DATA_DIR="$data/influx/data" INFLUXDB_DATA_WAL_DIR="$data/influx/wal" \
  INFLUXDB_MONITOR_STORE_ENABLED=false influxd -config /dev/null &
stores+=($!)
keep monitor "$bin/virtuoso" monitor "${config[@]}" &
services+=($!)
keep web "$bin/virtuoso" web "${config[@]}" &
services+=($!)

{
  trap '' INT HUP
  until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do sleep 0.2; done
  echo "run-local: http://127.0.0.1:$port · logs in $data/log · Ctrl-C stops"
} &
announce=$!
wait -n "${stores[@]}" "${services[@]}"  # one has given up
stop
exit 1
