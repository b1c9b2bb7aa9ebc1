# bench.json in, an SVG out: median milliseconds of `true`, a bar a row.
def ms: . / 1000 | if . < 100 then . * 100 | round / 100 else round end;
def escape: gsub("&"; "&amp;") | gsub("<"; "&lt;");
[.true[] | select(.name | test("podman|fdatasync") | not)] as $rows |
([$rows[].median_usec] | max) as $max | ($rows | length) as $count |
"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 \($count * 24 + 52)\" font-family=\"sans-serif\" font-size=\"13\">",
"<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/><text x=\"10\" y=\"22\" font-weight=\"bold\">true: milliseconds, median of \($rows[0].runs) interleaved rounds</text>",
($rows | to_entries[] | (.key * 24 + 38) as $y | (.value.median_usec / $max * 360 | round) as $width |
	"<text x=\"310\" y=\"\($y + 14)\" text-anchor=\"end\">\(.value.name | escape)</text>" +
	"<rect x=\"320\" y=\"\($y + 2)\" width=\"\($width)\" height=\"16\" fill=\"\(if .value.name | startswith("boxdo") then "#2a6fb0" else "#b8b8b8" end)\"/>" +
	"<text x=\"\(326 + $width)\" y=\"\($y + 14)\">\(.value.median_usec | ms)</text>"),
"<text x=\"10\" y=\"\($count * 24 + 46)\" fill=\"#555\">\(.machine.cpus) × \(.machine.cpu | escape), Linux \(.machine.kernel), \(.machine.system | escape)</text></svg>"
