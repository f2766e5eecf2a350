/* SPDX-License-Identifier: Apache-2.0 */
/* Processor, memory and processes over time, each in one line. */
#include "stages/inspect/text.h"
#include "stages/inspect/units.h"

#include <inttypes.h>
#include <stdio.h>

#define LEVELS 8

static const char *const blocks[LEVELS] = {"\u2581", "\u2582", "\u2583", "\u2584",
					   "\u2585", "\u2586", "\u2587", "\u2588"};
static const char *const marks[LEVELS] = {"_", ".", "-", ":", "=", "+", "*", "#"};

/*
 * The highest value in one of columns equal stretches of the time from the first sample to the
 * last; where no sample lies, that of the sample before.
 */
static uint64_t column_value(const struct series *series, enum series_kind kind, size_t column,
			     size_t columns)
{
	uint64_t first = series->points[0].at_ns;
	uint64_t length = series->points[series->count - 1].at_ns - first + 1;
	uint64_t value = 0, before = 0;
	bool found = false;

	for (size_t i = 0; i < series->count; i++) {
		uint64_t at = series->points[i].at_ns - first;
		size_t place = (size_t)((unsigned __int128)at * columns / length);
		uint64_t here = series_value(&series->points[i], kind);

		if (series->points[i].at_ns < first || place > column)
			break;
		before = here;
		if (place == column && (!found || here > value)) {
			value = here;
			found = true;
		}
	}
	return found ? value : before;
}

static void put_line(const struct text *text, const char *name, enum series_kind kind,
		     const char *peak)
{
	const struct series *series = &text->view->series;
	uint64_t max = series_max(series, kind);
	size_t columns = text->style->width - 11 - 2 - 26;

	buf_append_text(text->out, "  ");
	text_cell_say(text, name, 11);
	columns = columns > 72 ? 72 : columns;
	text_paint(text, TEXT_GOOD);
	for (size_t i = 0; i < columns; i++) {
		uint64_t value = column_value(series, kind, i, columns);
		size_t level =
			max == 0 ? 0 : (size_t)((unsigned __int128)value * (LEVELS - 1) / max);

		buf_append_text(text->out, text->style->ascii ? marks[level] : blocks[level]);
	}
	text_paint(text, TEXT_PLAIN);
	buf_append_text(text->out, "  ");
	text_say(text, TEXT_PLAIN, peak);
	text_end(text);
}

void text_resources(const struct text *text)
{
	const struct series *series = &text->view->series;
	char value[UNITS_SIZE], peak[2 * UNITS_SIZE];
	uint64_t peak_bytes = 0;

	text_heading(text, "Resources");
	if (series->count == 0) {
		text_say(text, TEXT_FAINT, "  no sample was taken");
		text_end(text);
		return;
	}
	units_cpus(series->cpu_max, value);
	snprintf(peak, sizeof(peak), "up to %s CPU", value);
	put_line(text, "processor", SERIES_CPU, peak);
	if (!view_number(view_get(text->view, REPORT_RESOURCE_USAGE, "memoryPeakBytes"),
			 &peak_bytes))
		peak_bytes = series->memory_max;
	units_bytes(peak_bytes, value);
	snprintf(peak, sizeof(peak), "up to %s", value);
	put_line(text, "memory", SERIES_MEMORY, peak);
	snprintf(peak, sizeof(peak), "up to %" PRIu64, series->pids_max);
	put_line(text, "processes", SERIES_PIDS, peak);
}
