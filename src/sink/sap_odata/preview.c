/* The exact messages that events become, for people; see sap_odata.h. */
#include <stdio.h>

#include "os/disk.h"
#include "sink/sap_odata/event.h"
#include "sink/sap_odata/poster.h"
#include "sink/sap_odata/sap_odata.h"

static void
one(const struct sap_dry *d, struct metas *metas, const struct value *v, struct buf *out)
{
	struct arena a = { 0 };
	struct sap_event e;
	struct message m;
	struct fault why = { .code = "" };
	const struct message_env env = { .zones = d->plan->offsets, .nzones = d->plan->noffsets, .settings = d->cfg->settings,
	    .nsettings = d->cfg->nsettings };
	const struct mapping *map = NULL;

	int err = sap_event_read(v->p, v->len, &a, &e, why.text, sizeof why.text);
	if (err == 0 && e.fault_code != NULL) {
		buf_printf(out, "no message: %s: %s\n", e.fault_field, e.fault_text);
		err = ERR_RANGE;
	} else if (err == 0 && (map = sap_mapping_of(d->cfg, d->set, e.path, e.type, why.text, sizeof why.text)) != NULL &&
	    message_build(map, metas != NULL ? metas_of(metas, map->service) : NULL, &env, v->p, v->len, &a, &m, &why) == 0)
		poster_print(d->cfg->far.base, map, &m, out);
	else
		buf_printf(out, "no message: %s%s%s\n", why.target, why.target[0] != '\0' ? ": " : "", why.text);
	arena_fini(&a);
}

void
sap_dry_run(const struct sap_dry *d, const struct value *v, size_t n, struct buf *out)
{
	const struct mapping *used[SAP_MAPPINGS_USED_MAX];
	struct metas *metas = NULL;
	char dir[DISK_PATH_MAX], why[200];
	struct disk_stat st;

	snprintf(dir, sizeof dir, "%s/" METAS_FOLDER, d->dir != NULL ? d->dir : "");
	if (d->dir != NULL && disk_os.stat(disk_os.ctx, dir, &st) == 0)	/* without it lengths are the mapping's own word */
		(void)metas_open(dir, used, sap_mappings_used(d->cfg, d->set, used), true, &metas, why, sizeof why);
	for (size_t i = 0; i < n; i++)
		if (v[i].type == VALUE_JSON)
			one(d, metas, &v[i], out);
	metas_close(metas);
}

int
sap_dry(const struct sink *cfg, const struct plan *plan, const char *dir, const struct value *v, size_t n, struct buf *out)
{
	struct sap_cfg c = { 0 };
	struct mapping_set *set = NULL;
	char why[400] = "";
	size_t key = 0;

	int err = sap_cfg_read(cfg, &c, why, sizeof why, &key);
	err = err != 0 ? err : mapping_load_quiet(c.mappings, &set, why, sizeof why);
	if (err == 0)
		sap_dry_run(&(struct sap_dry){ &c, set, plan, dir }, v, n, out);
	else
		buf_puts(out, why);
	mapping_set_free(set);
	sap_cfg_fini(&c);
	return err;
}
