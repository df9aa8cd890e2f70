/*
 * Any bytes as a file of the audit log: read, proved and opened for writing without a crash; what is then written
 * verifies from there on.
 */
#include <stdlib.h>

#include "base/log.h"
#include "gate/audit.h"
#include "os/disk_sim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ignore(void *arg, const struct audit_line *l)
{
	(void)arg;
	(void)l;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct disk_sim *s = disk_sim_new();
	const struct disk *d = disk_sim_table(s);
	struct audit_verdict before, after;
	struct buf text = { 0 };
	struct audit *a;

	log_open("fuzz", LOG_LEVEL_ERROR);
	d->mkdir(d->ctx, "/a");
	disk_replace(d, "/a/audit-0000000000000001.log", data, size);
	audit_verify("/a", d, NULL, &before, &text);
	if (audit_open("/a", d, (struct wall){ 1 }, ignore, NULL, &a) == 0) {
		if (audit_put(a, &(struct audit_new){ AUDIT_PLAN, 0, "", "{}" }, 1, (struct wall){ 2 }) == 0) {
			audit_verify("/a", d, NULL, &after, &text);
			if (after.last == 0 || (before.findings == 0 && after.findings != 0))
				abort();
		}
		audit_close(a);
	}
	buf_fini(&text);
	disk_sim_free(s);
	return 0;
}
