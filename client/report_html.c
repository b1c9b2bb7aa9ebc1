/*
 * boxdo report as one HTML file: charts as inline SVG, no script, nothing fetched from anywhere; light and dark
 * as the reader's system is.
 *
 * Distrusts every name: what stands in the page went through html_text, and a Content-Security-Policy lets the
 * page do nothing even so.
 */
#include "audit/utf8.h"
#include "client/log.h"
#include "client/report.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define HTML_TOP_MAX 100
#define HTML_WIDTH 960 /* of the chart over time, in its own units */
#define HTML_HEIGHT 200

static const char html_head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
    "style-src "
    "'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"referrer\" content=\"no-referrer\">\n"
    "<link rel=\"icon\" href=\"data:,\">\n"
    "<title>boxdo report</title>\n<style>\n"
    ":root{color-scheme:light "
    "dark;--back:#f6f7f9;--card:#fff;--line:#e2e5ea;--text:#1b1f27;--soft:#5d6675;"
    "--run:#2f6fd0;--fail:#c77d0a;--no:#c93a3a;--rail:#eceff3}\n"
    "@media(prefers-color-scheme:dark){:root{--back:#12151b;--card:#1b2029;--line:#2b323e;--text:#"
    "e8ebf0;"
    "--soft:#9aa4b4;--run:#6aa2f5;--fail:#e5a443;--no:#ef7070;--rail:#262d38}}\n"
    "*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--text);"
    "font:15px/1.45 system-ui,-apple-system,\"Segoe UI\",\"DejaVu Sans\",sans-serif}\n"
    "main{max-width:1120px;margin:0 auto;padding:28px 20px 48px}\n"
    "h1{font-size:24px;margin:0 0 2px}h2{font-size:15px;margin:0 0 12px}\n"
    "p{margin:0;color:var(--soft)}\n"
    ".tiles,.cards{display:grid;gap:16px;margin-top:20px;grid-template-columns:repeat(auto-fit,"
    "minmax(160px,1fr))}\n"
    ".cards{grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr))}\n"
    ".card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px "
    "18px;min-width:0}\n"
    ".wide{margin-top:20px}\n"
    ".tile b{display:block;font-size:26px;line-height:1.2;font-variant-numeric:tabular-nums}\n"
    ".tile span{color:var(--soft)}.tile .no{color:var(--no)}.tile .fail{color:var(--fail)}\n"
    "table{width:100%;border-collapse:collapse;table-layout:fixed}\n"
    "th,td{font-weight:400;text-align:left;padding:3px 0;vertical-align:middle}\n"
    "th{width:42%;padding-right:10px;overflow-wrap:anywhere}\n"
    ".why th{width:66%}\n"
    "td.n{width:84px;text-align:right;padding-right:10px;font-variant-numeric:tabular-nums;color:"
    "var(--soft)}\n"
    "svg{display:block;width:100%}svg.bar{height:12px}\n"
    ".run{fill:var(--run)}.fail{fill:var(--fail)}.no{fill:var(--no)}.rail{fill:var(--rail)}.grid{"
    "stroke:var(--line)}\n"
    "text{fill:var(--soft);font-size:12px}\n"
    ".key{display:flex;gap:18px;color:var(--soft);font-size:13px;margin-top:8px}\n"
    ".key i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:6px}\n"
    ".key .run{background:var(--run)}.key .fail{background:var(--fail)}.key "
    ".no{background:var(--no)}\n"
    "footer{margin-top:24px;color:var(--soft);font-size:13px}\n"
    "@media print{body{background:#fff}.card{break-inside:avoid}}\n"
    "</style>\n</head>\n<body>\n<main>\n";

/* Text for HTML: what is no printable UTF-8 as #ooo, what HTML would read as its own escaped. */
static void
html_text(FILE *file, const char *text)
{
	size_t length = strlen(text), taken;

	for (size_t at = 0; at < length; at += taken) {
		const unsigned char *byte = (const unsigned char *)text + at;
		uint32_t code = 0;

		taken = utf8_decode(byte, length - at, &code);
		if (taken == 0 || !utf8_printable(code)) {
			fprintf(file, "#%03o", *byte);
			taken = 1;
		} else if (strchr("&<>\"'`=", (int)code) != NULL && code < 0x80) {
			fprintf(file, "&#%u;", (unsigned)code);
		} else {
			fwrite(byte, 1, taken, file);
		}
	}
}

static void
html_time(FILE *file, uint64_t realtime, const char *format)
{
	time_t seconds = (time_t)(realtime / 1000000);
	char text[64];
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(text, sizeof text, format, &tm);
	html_text(file, text);
}

/* 12 345 678: thin spaces between thousands. */
static void
html_number(FILE *file, uint64_t number)
{
	char digits[32];
	size_t length = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, number);

	for (size_t i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			fputs("&#8239;", file);
		fputc(digits[i], file);
	}
}

static void
html_hours(FILE *file, uint64_t usec)
{
	if (usec >= 360000000000)
		html_number(file, usec / 3600000000);
	else
		fprintf(file, "%.2f", (double)usec / 3.6e9);
}

static void
html_tile(FILE *file, const char *label, const char *class, uint64_t number, bool hours)
{
	fprintf(file, "<div class=\"card tile\"><b class=\"%s\">", number > 0 ? class : "");
	if (hours)
		html_hours(file, number);
	else
		html_number(file, number);
	fprintf(file, "</b><span>%s</span></div>\n", label);
}

static size_t
html_count(const struct report_items *items)
{
	const struct report_item *one[2];

	return items->size == 0 || report_count_top(items, report_count_launches, one, 1) == 0
	           ? 0
	           : items->used;
}

static void
html_tiles(FILE *file, const struct report *report)
{
	fputs("<div class=\"tiles\">\n", file);
	html_tile(file, "launches", "", report->all.launches, false);
	html_tile(file, "hours used", "", report->all.usec, true);
	html_tile(file, "users", "", html_count(&report->users), false);
	html_tile(file, "images", "", html_count(&report->images), false);
	html_tile(file, "failed", "fail", report->all.failures, false);
	html_tile(file, "refused", "no", report->all.refusals, false);
	fputs("</div>\n", file);
}

/* --- over time ------------------------------------------------------------------------------------------- */

/* The next of 1, 2, 5, 10, ... : an axis people can read. */
static uint64_t
html_round(uint64_t value)
{
	uint64_t unit = 1;

	while (value > 10 * unit)
		unit *= 10;
	return value <= unit       ? unit
	       : value <= 2 * unit ? 2 * unit
	       : value <= 5 * unit ? 5 * unit
	                           : 10 * unit;
}

static uint64_t
html_most(const struct report *report)
{
	uint64_t most = 1;

	for (size_t i = 0; i < report->column_count; i++) {
		uint64_t sum =
		    report->columns[i][REPORT_LAUNCH] + report->columns[i][REPORT_REFUSAL];

		if (sum > most)
			most = sum;
	}
	return html_round(most);
}

/* One part of a column; returns where the next one begins. */
static double
html_part(
    FILE *file, const char *class, double x, double y, double width, uint64_t value, uint64_t most)
{
	double height = (double)value / (double)most * HTML_HEIGHT;

	if (value > 0)
		fprintf(file,
		    "<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>",
		    class, x, y - height, width, height);
	return y - height;
}

static void
html_column(FILE *file, const struct report *report, size_t at, uint64_t most)
{
	const uint64_t *column = report->columns[at];
	double slot = (double)HTML_WIDTH / (double)report->column_count,
	       x = 46 + slot * (double)at + slot * 0.1;
	/* A failure is a launch, too, mostly of the same column: shown as a part of them. */
	uint64_t failed = column[REPORT_FAILURE] < column[REPORT_LAUNCH] ? column[REPORT_FAILURE]
	                                                                 : column[REPORT_LAUNCH];
	double y = 12 + HTML_HEIGHT;

	fputs("<g>", file);
	y = html_part(file, "run", x, y, slot * 0.8, column[REPORT_LAUNCH] - failed, most);
	y = html_part(file, "fail", x, y, slot * 0.8, failed, most);
	html_part(file, "no", x, y, slot * 0.8, column[REPORT_REFUSAL], most);
	fputs("<title>", file);
	html_time(file, report->since + at * report->step, "%a %Y-%m-%d %H:%M");
	fprintf(file,
	    ": %" PRIu64 " launches, %" PRIu64 " failed, %" PRIu64 " refused</title></g>\n",
	    column[REPORT_LAUNCH], column[REPORT_FAILURE], column[REPORT_REFUSAL]);
}

static void
html_axes(FILE *file, const struct report *report, uint64_t most)
{
	const char *format = report->step >= 86400000000ULL ? "%Y-%m-%d" : "%m-%d %H:%M";
	size_t every = report->column_count <= 8 ? 1 : (report->column_count + 7) / 8;

	for (int line = 0; line <= 2; line++) {
		int y = 12 + HTML_HEIGHT * line / 2;

		fprintf(file, "<line class=\"grid\" x1=\"46\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>",
		    46 + HTML_WIDTH, y, y);
		if (most > 1 || line != 1) {
			fprintf(file, "<text x=\"40\" y=\"%d\" text-anchor=\"end\">", y + 4);
			html_number(file, most * (uint64_t)(2 - line) / 2);
			fputs("</text>\n", file);
		}
	}
	for (size_t i = 0; i < report->column_count; i += every) {
		/* No room for it at the right end. */
		if (i > 0 && report->column_count - i < (every + 1) / 2)
			break;
		fprintf(file, "<text x=\"%.1f\" y=\"%d\">",
		    46 + (double)HTML_WIDTH / (double)report->column_count * (double)i,
		    12 + HTML_HEIGHT + 20);
		html_time(file, report->since + i * report->step, format);
		fputs("</text>\n", file);
	}
}

static void
html_over_time(FILE *file, const struct report *report)
{
	uint64_t most = html_most(report);

	fprintf(file,
	    "<section class=\"card wide\"><h2>Launches over time</h2>\n"
	    "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"launches over time\">\n",
	    HTML_WIDTH + 60, HTML_HEIGHT + 42);
	html_axes(file, report, most);
	for (size_t i = 0; i < report->column_count; i++)
		html_column(file, report, i, most);
	fputs("</svg>\n<div class=\"key\"><span><i class=\"run\"></i>launches</span><span><i "
	      "class=\"fail\"></i>of "
	      "these failed</span><span><i class=\"no\"></i>refused</span></div></section>\n",
	    file);
}

/* Launches by weekday and hour. */
static void
html_week(FILE *file, const struct report *report)
{
	static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	uint64_t most = 1;

	for (int i = 0; i < 7 * 24; i++)
		if (report->hours[i / 24][i % 24] > most)
			most = report->hours[i / 24][i % 24];
	fputs("<section class=\"card\"><h2>Launches in the week</h2>\n<svg viewBox=\"0 0 516 172\" "
	      "role=\"img\" "
	      "aria-label=\"launches by weekday and hour\">\n",
	    file);
	for (int day = 0; day < 7; day++) {
		fprintf(file, "<text x=\"0\" y=\"%d\">%s</text>", 15 + 21 * day, days[day]);
		for (int hour = 0; hour < 24; hour++) {
			uint64_t value = report->hours[day][hour];

			fprintf(file,
			    "<g><rect class=\"rail\" x=\"%d\" y=\"%d\" width=\"18\" height=\"18\" "
			    "rx=\"3\"/>",
			    36 + 20 * hour, 2 + 21 * day);
			if (value > 0)
				fprintf(file,
				    "<rect class=\"run\" x=\"%d\" y=\"%d\" width=\"18\" "
				    "height=\"18\" rx=\"3\" "
				    "opacity=\"%.2f\"/>",
				    36 + 20 * hour, 2 + 21 * day,
				    0.15 + 0.85 * (double)value / (double)most);
			fprintf(file, "<title>%s %02d:00: %" PRIu64 " launches</title></g>\n",
			    days[day], hour, value);
		}
	}
	for (int hour = 0; hour < 24; hour += 6)
		fprintf(file, "<text x=\"%d\" y=\"166\">%02d:00</text>", 36 + 20 * hour, hour);
	fputs("</svg></section>\n", file);
}

/* --- the lists ------------------------------------------------------------------------------------------- */

static void
html_row(FILE *file, const struct report_item *item, uint64_t value, uint64_t most, bool hours,
    const char *class)
{
	fputs("<tr><th>", file);
	html_text(file, *item->name == '\0' ? "(none)" : item->name);
	fputs("</th><td class=\"n\">", file);
	if (hours)
		html_hours(file, value);
	else
		html_number(file, value);
	fprintf(file,
	    "</td><td><svg class=\"bar\" aria-hidden=\"true\"><rect class=\"rail\" width=\"100%%\" "
	    "height=\"12\" "
	    "rx=\"3\"/><rect class=\"%s\" width=\"%.2f%%\" height=\"12\" "
	    "rx=\"3\"/></svg></td></tr>\n",
	    class, 100 * (double)value / (double)most);
}

static void
html_list(FILE *file, const char *title, const struct report_items *items,
    uint64_t (*weight)(const struct report_item *), size_t max, const char *class)
{
	const struct report_item *top[HTML_TOP_MAX + 1];
	size_t count =
	    report_count_top(items, weight, top, max < HTML_TOP_MAX ? max : HTML_TOP_MAX);
	bool why = strstr(title, "reason") != NULL;

	if (count == 0)
		return;
	fprintf(file, "<section class=\"card%s\"><h2>%s</h2><table>\n", why ? " why" : "", title);
	for (size_t i = 0; i < count; i++)
		html_row(file, top[i], weight(top[i]), weight(top[0]), weight == report_count_usec,
		    class);
	fputs("</table></section>\n", file);
}

void
report_html(const struct report *report, FILE *file, size_t top)
{
	fputs(html_head, file);
	fputs("<h1>boxdo report</h1>\n<p>", file);
	html_time(file, report->since, "%A, %Y-%m-%d %H:%M");
	fputs(" to ", file);
	html_time(file, report->until, "%A, %Y-%m-%d %H:%M");
	fputs("</p>\n", file);
	html_tiles(file, report);
	if (report->time_count > 0)
		html_over_time(file, report);
	fputs("<div class=\"cards\">\n", file);
	html_list(file, "Hours used, by user", &report->users, report_count_usec, top, "run");
	html_list(file, "Launches, by user", &report->users, report_count_launches, top, "run");
	html_list(file, "Launches, by image", &report->images, report_count_launches, top, "run");
	html_list(file, "Hours used, by image", &report->images, report_count_usec, top, "run");
	html_list(file, "Launches, by host", &report->hosts, report_count_launches, top, "run");
	html_week(file, report);
	html_list(file, "Failures, by image", &report->images, report_count_failures, top, "fail");
	html_list(file, "Failures, by user", &report->users, report_count_failures, top, "fail");
	html_list(file, "Refusals, by user", &report->users, report_count_refusals, top, "no");
	html_list(file, "Refusals, by image", &report->images, report_count_refusals, top, "no");
	fputs("</div>\n<div class=\"cards wide\">\n", file);
	html_list(file, "Refusals, by reason", &report->reasons, report_count_refusals, top, "no");
	fputs("</div>\n<footer>Made by boxdo report from the audit trail, ", file);
	html_time(file, (uint64_t)time(NULL) * 1000000, "%Y-%m-%d %H:%M");
	fputs(".</footer>\n</main>\n</body>\n</html>\n", file);
}
