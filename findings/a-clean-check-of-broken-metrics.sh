#!/usr/bin/env bash
# What `promtool check metrics` lets pass, and what Prometheus then makes of it without a word.
#
# Versions: promtool and prometheus 2.42.0 (package prometheus 2.42.0+ds-5+deb12u1 of Debian 12).
#
# A good guess: a build that feeds its /metrics to `promtool check metrics` and gets exit status 0 without a line has an
# exposition that keeps the rules of the text format. For the case that one slips through, Prometheus has
# prometheus_target_scrapes_sample_duplicate_timestamp_total ("samples rejected due to duplicate timestamps but
# different values") and a warning in its log.
# Seen: the check is silent, with status 0, about
#   - the same series twice with two values ("each line must have a unique combination of a metric name and labels"),
#   - a metric in two groups with another metric between ("all lines for a given metric must be provided as one single
#     group"),
#   - a histogram whose buckets fall and that has no bucket le="+Inf".
# It does complain about a missing HELP, so its silence looks like approval. Prometheus takes the first of the two
# values for good. `up` is 1, scrape_samples_post_metric_relabeling counts both, its log has no line, and the counter
# above stays 0.
# Labels that were unique as names of a program and are no longer unique after a cut or a replacement of characters give
# this exposition: one of two queues vanishes from every graph, and no check says so. A test has to compare the series
# itself.
#
# Wants prometheus and promtool, python3 and curl. Loopback only; everything is in a temporary folder and is removed.
set -euo pipefail
work=$(mktemp -d)
children=()
clean_up() {
    for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
    wait
    rm -rf "$work"
}
trap clean_up EXIT

failures=0
# expect WHAT WANTED SEEN
expect() {
    if [[ $3 == "$2" ]]; then
        echo "as described: $1: $2"
    else
        echo "CHANGED: $1: wanted '$2', saw '$3'"
        failures=$((failures + 1))
    fi
}
for program in prometheus promtool; do
    expect "version of $program" '2.42.0+ds' "$("$program" --version 2>&1 | sed -n '1s/.*version \([^ ]*\) .*/\1/p')"
done

# check: the answer of promtool to standard input, and its exit status
check() {
    local status=0
    promtool check metrics >"$work/answer" 2>&1 || status=$?
    echo "$(cat "$work/answer")status $status"
}
expect 'a metric without help' 'queue_length no help textstatus 3' "$(printf 'queue_length 1\n' | check)"
cat >"$work/metrics" <<'END'
# HELP queue_length Messages that wait.
# TYPE queue_length gauge
queue_length{name="hall"} 5
queue_length{name="hall"} 7
# HELP connections Open connections.
# TYPE connections gauge
connections 1
END
expect 'the same series twice' 'status 0' "$(check <"$work/metrics")"
expect 'a metric in two groups' 'status 0' "$(
    { cat "$work/metrics"; echo 'queue_length{name="yard"} 1'; } | check)"
expect 'a falling histogram without +Inf' 'status 0' "$(
    printf '%s\n' '# HELP wait_seconds Waiting.' '# TYPE wait_seconds histogram' 'wait_seconds_bucket{le="1"} 5' \
        'wait_seconds_bucket{le="2"} 3' 'wait_seconds_sum 4' 'wait_seconds_count 9' | check)"

free_port() { python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])'; }
target=$(free_port)
server=$(free_port)
cat >"$work/target.py" <<'END'
"""Serves the file `metrics`, and `scraped` when somebody has asked for it twice."""
import http.server, pathlib, sys
folder, times = pathlib.Path(sys.argv[2]), 0

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global times
        body = (folder / 'metrics').read_bytes()
        self.send_response(200)
        self.send_header('Content-Type', 'text/plain; version=0.0.4')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        times += 1
        if times == 3:
            (folder / 'scraped').touch()

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
END
python3 "$work/target.py" "$target" "$work" &
children+=($!)
cat >"$work/prometheus.yml" <<END
global: {scrape_interval: 1s}
scrape_configs: [{job_name: job, static_configs: [{targets: ['127.0.0.1:$target']}]}]
END
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" \
    --web.listen-address="127.0.0.1:$server" >"$work/log" 2>&1 &
children+=($!)
for _ in {1..300}; do
    if [[ -e $work/scraped ]]; then break; fi
    sleep 0.1
done
# value QUERY: the value that Prometheus has now
value() {
    curl -s --get "http://127.0.0.1:$server/api/v1/query" --data-urlencode "query=$1" |
        python3 -c 'import json, sys; print(*[one["value"][1] for one in json.load(sys.stdin)["data"]["result"]])'
}
expect 'the value of the series' '5' "$(value 'queue_length{name="hall"}')"
expect 'the metric behind it' '1' "$(value connections)"
expect 'up' '1' "$(value up)"
expect 'samples that count as taken' '3' "$(value scrape_samples_post_metric_relabeling)"
expect 'the counter of duplicates' '0' "$(curl -s "http://127.0.0.1:$server/metrics" |
    sed -n 's/^prometheus_target_scrapes_sample_duplicate_timestamp_total //p')"
expect 'lines of the log that warn' '0' "$(grep -cE 'level=(warn|error)' "$work/log" || true)"

((failures == 0)) && echo 'All as described.'
exit $((failures > 0))
