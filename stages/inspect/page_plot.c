/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A curve over time. The picture is SVG that stretches to any width (vector-effect keeps its lines
 * as thick as they are); what is to be read on the axes is text of the page, as large as the rest.
 */
#include "stages/inspect/page.h"
#include "stages/inspect/units.h"

#include <inttypes.h>
#include <stdio.h>

#define BOX_WIDTH  1000
#define BOX_HEIGHT 200
#define X_TICKS	   5
#define MIB	   ((uint64_t)1 << 20)

/*
 * The scale's end: the least of 0.1, 0.2, 0.5, 1, 2, 4, 8, ... CPUs that holds all but the few per
 * cent by which one sample's clock misses another's.
 */
static uint64_t cpu_scale(uint64_t max)
{
	static const uint64_t small[] = {100, 200, 500, 1000};
	uint64_t scale = 1000;

	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		if (max <= small[i] + small[i] / 20)
			return small[i];
	while (scale + scale / 20 < max)
		scale *= 2;
	return scale;
}

static uint64_t memory_scale(uint64_t max)
{
	uint64_t scale = MIB;

	while (scale < max && scale < (uint64_t)1 << 62)
		scale *= 2;
	return scale;
}

struct plot {
	const struct page *page;
	enum series_kind kind;
	uint64_t scale;
	uint64_t length_ns; /* from 0 to the last sample, never 0 */
};

static void put_number(const struct page *page, uint64_t number)
{
	buf_append_u64(page->out, number);
}

static uint64_t place(uint64_t value, uint64_t of, uint64_t box)
{
	return (uint64_t)((unsigned __int128)(value < of ? value : of) * box / of);
}

static bool drawn(const struct plot *plot, const struct series_point *point)
{
	return plot->kind != SERIES_CPU || point->cpu_known;
}

/* The points as "x y" pairs; a line per sample keeps no more than SERIES_POINTS. */
static void put_points(const struct plot *plot, uint64_t *first_x, uint64_t *last_x)
{
	const struct series *series = &plot->page->view->series;
	bool begun = false;

	for (size_t i = 0; i < series->count; i++) {
		const struct series_point *point = &series->points[i];
		uint64_t value = series_value(point, plot->kind);

		if (!drawn(plot, point))
			continue;
		*last_x = place(point->at_ns, plot->length_ns, BOX_WIDTH);
		if (!begun)
			*first_x = *last_x;
		page_put(plot->page, begun ? "L" : "M");
		put_number(plot->page, *last_x);
		page_put(plot->page, " ");
		put_number(plot->page, BOX_HEIGHT - place(value, plot->scale, BOX_HEIGHT));
		begun = true;
	}
}

static void put_curve(const struct plot *plot)
{
	uint64_t first_x = 0, last_x = 0;

	page_put(plot->page, "<path class=\"area\" d=\"");
	put_points(plot, &first_x, &last_x);
	page_put(plot->page, "L");
	put_number(plot->page, last_x);
	page_put(plot->page, " 200L");
	put_number(plot->page, first_x);
	page_put(plot->page, " 200Z\"/><path class=\"curve\" vector-effect=\"non-scaling-stroke\" "
			     "d=\"");
	put_points(plot, &first_x, &last_x);
	page_put(plot->page, "\"/>");
}

static void value_words(const struct plot *plot, uint64_t value, char out[UNITS_SIZE])
{
	if (plot->kind == SERIES_MEMORY)
		units_bytes(value, out);
	else
		units_cpus(value, out);
}

static void put_axes(const struct plot *plot)
{
	char words[UNITS_SIZE];

	page_put(plot->page, "<div class=\"x\" aria-hidden=\"true\">");
	for (unsigned i = 0; i < X_TICKS; i++) {
		units_duration(plot->length_ns / (X_TICKS - 1) * i, words);
		page_put(plot->page, "<span>");
		page_put(plot->page, words);
		page_put(plot->page, "</span>");
	}
	page_put(plot->page, "</div>");
}

static void put_scale(const struct plot *plot)
{
	char words[UNITS_SIZE];

	page_put(plot->page, "<div class=\"y\" aria-hidden=\"true\">");
	for (unsigned i = 0; i < 3; i++) {
		value_words(plot, plot->scale / 2 * (2 - i), words);
		page_put(plot->page, "<span>");
		page_put(plot->page, words);
		page_put(plot->page, "</span>");
	}
	page_put(plot->page, "</div>");
}

static void put_picture(const struct plot *plot, const char *name, uint64_t limit)
{
	page_put(plot->page, "<svg viewBox=\"0 0 1000 200\" preserveAspectRatio=\"none\" "
			     "role=\"img\" aria-label=\"");
	page_put(plot->page, name);
	page_put(plot->page, " over time\"><path class=\"grid\" vector-effect=\"non-scaling-"
			     "stroke\" d=\"M0 0H1000M0 100H1000M0 200H1000M0 0V200M250 0V200M500 "
			     "0V200M750 0V200M1000 0V200\"/>");
	put_curve(plot);
	if (limit > 0 && limit <= plot->scale) {
		page_put(plot->page, "<path class=\"limit\" vector-effect=\"non-scaling-stroke\" "
				     "d=\"M0 ");
		put_number(plot->page, BOX_HEIGHT - place(limit, plot->scale, BOX_HEIGHT));
		page_put(plot->page, "H1000\"/>");
	}
	page_put(plot->page, "</svg>");
}

/* The same numbers for who cannot see a picture. */
static void put_numbers(const struct plot *plot, const char *name)
{
	const struct series *series = &plot->page->view->series;
	char words[UNITS_SIZE];

	page_put(plot->page, "<details class=\"more\"><summary>As numbers</summary><table><thead>"
			     "<tr><th scope=\"col\">Time</th><th scope=\"col\" class=\"num\">");
	page_put(plot->page, name);
	page_put(plot->page, "</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < series->count; i++) {
		if (!drawn(plot, &series->points[i]))
			continue;
		units_offset(series->points[i].at_ns, words);
		page_put(plot->page, "<tr><th scope=\"row\">");
		page_put(plot->page, words);
		page_put(plot->page, " s</th><td class=\"num\" data-label=\"");
		page_put(plot->page, name);
		page_put(plot->page, "\">");
		value_words(plot, series_value(&series->points[i], plot->kind), words);
		page_put(plot->page, words);
		page_put(plot->page, "</td></tr>\n");
	}
	page_put(plot->page, "</tbody></table></details>");
}

/* "most 1.00, limit 1.00" behind the name. */
static void put_caption(const struct plot *plot, const char *name, const char *unit, uint64_t limit)
{
	char words[UNITS_SIZE];

	page_put(plot->page, "<figcaption>");
	page_put(plot->page, name);
	page_put(plot->page, "<span>");
	page_put(plot->page, unit);
	page_put(plot->page, "highest sample ");
	value_words(plot, series_max(&plot->page->view->series, plot->kind), words);
	page_put(plot->page, words);
	page_put(plot->page, limit > 0 ? ", limit " : ", no limit");
	if (limit > 0) {
		value_words(plot, limit, words);
		page_put(plot->page, words);
	}
	page_put(plot->page, "</span></figcaption>");
}

/* "QUOTA PERIOD" in microseconds, as thousandths of a CPU; 0: none. */
static uint64_t cpu_limit(struct span text)
{
	const char *blank;
	struct span inside, quota, period;
	uint64_t quota_us, period_us;

	if (!span_string(text, &inside) || inside.len == 0)
		return 0;
	blank = memchr(inside.at, ' ', inside.len);
	if (blank == NULL)
		return 0;
	quota = (struct span){inside.at, (size_t)(blank - inside.at)};
	period = (struct span){blank + 1, inside.len - quota.len - 1};
	if (!span_decimal(quota, &quota_us) || !span_decimal(period, &period_us) ||
	    period_us == 0 || quota_us > UINT64_MAX / 1000)
		return 0;
	return quota_us * 1000 / period_us;
}

void page_plot(const struct page *page, enum series_kind kind)
{
	const struct series *series = &page->view->series;
	struct span summary = view_member(page->view, REPORT_POLICY_SUMMARY);
	const char *name = kind == SERIES_CPU ? "Processor" : "Memory";
	uint64_t max = series_max(series, kind);
	uint64_t last_ns = series->points[series->count - 1].at_ns;
	struct plot plot = {page, kind, kind == SERIES_CPU ? cpu_scale(max) : memory_scale(max),
			    last_ns > 0 ? last_ns : 1};
	uint64_t limit = 0;

	if (kind == SERIES_CPU)
		limit = cpu_limit(span_get(summary, "cpuMax"));
	else
		(void)view_number(span_get(summary, "memoryMax"), &limit);
	page_put(page, "<figure>");
	put_caption(&plot, name, kind == SERIES_CPU ? "CPUs in use, " : "in use, ", limit);
	page_put(page, "<div class=\"plot\">");
	put_scale(&plot);
	put_picture(&plot, name, limit);
	put_axes(&plot);
	page_put(page, "</div>");
	put_numbers(&plot, name);
	page_put(page, "</figure>\n");
}
