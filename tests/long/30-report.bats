#!/usr/bin/env bats
# boxdo report in a real browser: it can be drawn, light and dark, without an error, and fetches nothing.
load ../lib/common

setup_file() {
	mkdir -p /run/stage/collected
	"$TOP/bench/records" 20000 |
		/usr/lib/systemd/systemd-journal-remote --split-mode=none -o /run/stage/collected/all.journal - 2>/dev/null
	# A name that would be markup.
	as_user mallory boxdo run '<img src=http://127.0.0.1:9/x onerror=alert(1)>' true 2>/dev/null || true
	boxdo report --since 2020-01-01 --directory /run/stage/collected --directory "$(echo /var/log/journal/*.boxdo)" --top 100 --html /tmp/report.html
}

# What the browser says on its console comes on standard error.
browser() { # ARGUMENTS...
	timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir=/tmp/chromium \
		--no-first-run --disable-background-networking --hide-scrollbars --enable-logging=stderr --log-level=0 \
		--window-size=1180,3000 "$@" file:///tmp/report.html 2>/tmp/console
}

@test "drawn light and dark, no error on the console, nothing fetched" {
	for scheme in 1 0; do
		browser --blink-settings=preferredColorScheme=$scheme --screenshot=/tmp/report.$scheme.png --log-net-log=/tmp/net.json
		run grep -aE 'CONSOLE|Refused to|Content Security|Uncaught' /tmp/console
		assert_output ''
		! jq -r '.events[].params.url? // empty' /tmp/net.json | grep -E '^(https?|wss?):'
		[[ $(stat -c %s /tmp/report.$scheme.png) -gt 50000 ]]
		mkdir -p "$TOP/build/report" && cp /tmp/report.$scheme.png "$TOP/build/report/" # to look at
	done
	! cmp -s /tmp/report.0.png /tmp/report.1.png
}

@test "the page holds what it should, as text, and has no script" {
	browser --dump-dom >/tmp/dom
	grep -q '&lt;img src=http' /tmp/dom
	! grep -qiE '<(script|img|iframe|object|embed|form)' /tmp/dom
	for title in 'Launches over time' 'Hours used, by user' 'Launches, by image' 'Launches in the week' 'Refusals, by reason'; do
		grep -q "<h2>$title</h2>" /tmp/dom
	done
	[[ $(grep -o '<rect' /tmp/dom | wc -l) -gt 100 ]]
}
