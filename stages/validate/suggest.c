/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/suggest.h"

#include <string.h>

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment, three rows at a time. */
size_t suggest_distance(const char *one, const char *other)
{
	size_t rows[3][SUGGEST_NAME_MAX + 1] = {{0}};
	const size_t width = strnlen(other, SUGGEST_NAME_MAX + 1);
	const size_t height = strnlen(one, SUGGEST_NAME_MAX + 1);

	if (width > SUGGEST_NAME_MAX || height > SUGGEST_NAME_MAX)
		return SUGGEST_FAR;
	for (size_t x = 0; x <= width; x++)
		rows[0][x] = x;
	for (size_t y = 1; y <= height; y++) {
		size_t *row = rows[y % 3];
		const size_t *above = rows[(y + 2) % 3];
		const size_t *before = rows[(y + 1) % 3];

		row[0] = y;
		for (size_t x = 1; x <= width; x++) {
			char a = lower(one[y - 1]);
			char b = lower(other[x - 1]);

			row[x] = least(above[x - 1] + (a != b), least(above[x], row[x - 1]) + 1);
			if (x > 1 && y > 1 && a == lower(other[x - 2]) && lower(one[y - 2]) == b)
				row[x] = least(row[x], before[x - 2] + 1);
		}
	}
	return rows[height % 3][width];
}

int suggest_near(const char *written, size_t distance)
{
	return distance <= 1 + strnlen(written, SUGGEST_NAME_MAX) / 4;
}
