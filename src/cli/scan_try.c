/* See scan_try.h. Questions go to the device in rounds, each on a connection of its own that lasts a few seconds. */
#include "cli/scan_try.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "driver/modbus/modbus_keys.h"
#include "driver/modbus/modbus_try.h"
#include "model/status.h"

#define ROUND_NS	(10 * NS_PER_S)		/* of silent units */
#define UNIT_TIMEOUT_NS	(250 * NS_PER_MS)	/* unless --set timeout= says otherwise: most devices answer within a tenth of it */
#define LINE_SPARE_NS	(50 * NS_PER_MS)	/* what a question takes on a line besides the timeout, roughly */

int
scan_units_parse(const char *text, unsigned *first, unsigned *last)
{
	char *end;

	*first = *last = (unsigned)strtoul(text, &end, 10);
	if (*end == '-')
		*last = (unsigned)strtoul(end + 1, &end, 10);
	return *end != '\0' || *first > *last || *last == 0 || *last > 255 ? -1 : 0;
}

static int
refused(const struct try_device *d, int err, const struct try_result *r)
{
	fprintf(stderr, "penstock scan: no connection to %s: %s\n", d->link, r->cause[0] != '\0' ? r->cause : err_text(err));
	return EXIT_CANNOT;
}

/* One round: units first..first + n - 1. Returns how many answered, or -1 after saying why not. */
static int
units_round(const struct try_device *d, unsigned first, uint32_t n)
{
	static char names[TRY_TAGS_MAX][16];
	const char *at[TRY_TAGS_MAX];
	static struct try_result r;
	int found = 0;

	for (uint32_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof names[i], "unit %u", first + i);
		at[i] = names[i];
	}
	int err = try_read(d, at, n, 2 * ROUND_NS, &r);
	if (err != 0)
		refused(d, err, &r);
	for (uint32_t i = 0; err == 0 && i < n; i++)
		if (r.values[i].given && status_is_good(r.values[i].status)) {
			printf("  %-10s %s\n", names[i], buf_text(&r.values[i].text));
			found++;
		}
	try_fini(&r);
	return err != 0 ? -1 : found;
}

int
scan_units(const struct try_device *plain, unsigned first, unsigned last)
{
	struct keyval keys[MB_KEYS_TUNNEL + 8];
	struct try_device d = { .driver = modbus_try(plain->driver), .link = plain->link, .keys = keys };
	int found = 0;

	if (d.driver == NULL) {
		fprintf(stderr, "penstock scan: units are a matter of Modbus; %s has none\n", plain->driver->info.name);
		return EXIT_CANNOT;
	}
	memcpy(keys, plain->keys, key_count(d.driver->info.keys) * sizeof *keys);
	if (!keys[MB_KEY_TIMEOUT].written)
		keys[MB_KEY_TIMEOUT] = (struct keyval){ .set = true, .i = UNIT_TIMEOUT_NS };
	int64_t fit = ROUND_NS / (keys[MB_KEY_TIMEOUT].i + LINE_SPARE_NS);
	uint32_t round = fit < 1 ? 1 : fit > TRY_TAGS_MAX ? TRY_TAGS_MAX : (uint32_t)fit;
	printf("%s: units %u to %u\n", d.link, first, last);
	for (unsigned u = first; u <= last; u += round) {
		int n = units_round(&d, u, last - u + 1 < round ? last - u + 1 : round);
		if (n < 0)
			return EXIT_CANNOT;
		found += n;
		fflush(stdout);
	}
	printf("%d of %u answer\n", found, last - first + 1);
	return found > 0 ? EXIT_OK : EXIT_FINDINGS;
}
