/* For `penstock check`: has each event a mapping, and do the mappings fit the services, by what the far end says now, or by the copy that a running
 * sink keeps? */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "os/clock.h"
#include "os/disk.h"
#include "sink/sap_odata/sap_odata.h"
#include "site/finding.h"

#define PATIENCE_NS	(30 * NS_PER_S)		/* beyond the time-outs of the calls themselves, for those that wait for each other */

static void
ask_all(const struct sap_cfg *cfg, const struct mapping *const *used, size_t n, struct place at, struct findings *f)
{
	struct metas *metas = NULL;
	struct far *far = NULL;
	char why[300];

	http_global();
	int err = metas_open(NULL, used, n, true, &metas, why, sizeof why);
	if (err == 0)
		err = far_new(&cfg->far, &far, why, sizeof why);
	struct mono until = mono_add(mono_now(), 2 * cfg->far.http.total_ns + PATIENCE_NS);
	while (err == 0 && !metas_settled(metas) && mono_before(mono_now(), until)) {
		metas_turn(metas, far, mono_now(), INT64_MAX / 4);
		far_turn(far, -1, NS_PER_S);
	}
	far_free(far);
	if (err == 0)
		metas_report(metas, at, f);
	else {
		site_error(f, "sap-online", at, "the server cannot be asked: %s", why);
		site_remedy(f, "see that the files that the sink names are there and can be read");
	}
	metas_close(metas);
}

static void
look_at_copy(const char *dir, const struct mapping *const *used, size_t n, struct place at, struct findings *f)
{
	struct metas *metas = NULL;
	char path[DISK_PATH_MAX], why[300];
	struct disk_stat st;

	snprintf(path, sizeof path, "%s/" METAS_FOLDER, dir);
	if (disk_os.stat(disk_os.ctx, path, &st) != 0 || metas_open(path, used, n, true, &metas, why, sizeof why) != 0)
		return;		/* it has not run here, or not for us to see */
	metas_report(metas, at, f);
	metas_close(metas);
}

/* ---- the site's own events ---- */

static const struct event_rule *
event_of(const struct plan *p, const struct flow_tag *t)
{
	for (uint32_t i = 0; i < p->nevents; i++)
		if (p->events[i].source == t->source && p->events[i].tag == t->tag)
			return &p->events[i];
	return NULL;	/* of another node: what it is will be seen when it comes */
}

/* Each event that comes here must have a mapping: it would wait in quarantine for a person else. */
static void
check_events(const struct sink *s, const struct plan *p, const struct sap_cfg *cfg, const struct mapping_set *set, struct findings *f)
{
	char why[400];

	for (uint32_t i = 0; i < p->nflows; i++) {
		bool ours = false;
		for (uint32_t k = 0; k < p->flows[i].nsinks; k++)
			ours = ours || &p->sinks[p->flows[i].sinks[k]] == s;
		for (uint32_t t = 0; ours && t < p->flows[i].ntags; t++) {
			const struct event_rule *e = event_of(p, &p->flows[i].tags[t]);
			if (e == NULL || sap_mapping_of(cfg, set, e->path, event_object_name(e->object), why, sizeof why) != NULL)
				continue;
			site_error(f, "sap-mapping", e->place, "flow %s brings the event \"%.200s\" to sink %s, which has no mapping for it: %s",
			    p->flows[i].name, e->path, s->name, why);
			site_remedy(f, "add a row to `post` of the sink: \"%.200s -> MAPPING\"; doc/sap-mappings.md lists the ready ones", e->path);
		}
	}
}

/* ---- two sinks for one event ---- */

static bool
takes(const struct plan *p, const struct sink *s, const struct event_rule *e)
{
	for (uint32_t i = 0; i < p->nflows; i++) {
		const struct flow *f = &p->flows[i];
		bool ours = false, there = false;
		for (uint32_t k = 0; k < f->nsinks; k++)
			ours = ours || &p->sinks[f->sinks[k]] == s;
		for (uint32_t t = 0; ours && !there && t < f->ntags; t++)
			there = f->tags[t].source == e->source && f->tags[t].tag == e->tag;
		if (there)
			return true;
	}
	return false;
}

static bool
same_far_end(const struct sap_cfg *a, const struct sap_cfg *b)
{
	return strcmp(a->far.base, b->far.base) == 0 &&
	    strcmp(a->far.client != NULL ? a->far.client : "", b->far.client != NULL ? b->far.client : "") == 0;
}

/* Each sink has an outbox of its own and asks the far end only before it repeats: two of them book an event twice. */
static void
check_other(const struct sink *s, const struct sink *o, const struct plan *p, const struct sap_cfg *cfg, const struct mapping_set *set,
    struct findings *f)
{
	struct mapping_set *others = NULL;
	struct sap_cfg other;
	char why[400];
	size_t key;

	bool both = sap_cfg_read(o, &other, why, sizeof why, &key) == 0 && same_far_end(cfg, &other) &&
	    mapping_load_quiet(other.mappings, &others, why, sizeof why) == 0;
	for (uint32_t i = 0; both && i < p->nevents; i++) {
		const struct event_rule *e = &p->events[i];
		const char *type = event_object_name(e->object);
		const struct mapping *a = sap_mapping_of(cfg, set, e->path, type, why, sizeof why);
		const struct mapping *b = a != NULL ? sap_mapping_of(&other, others, e->path, type, why, sizeof why) : NULL;
		if (b == NULL || strcmp(a->service, b->service) != 0 || strcmp(a->set, b->set) != 0 || !takes(p, s, e) || !takes(p, o, e))
			continue;
		site_error(f, "sap-twice", s->place, "the event \"%.200s\" goes to sink %s and to sink %s, which both book it as %s at the same server",
		    e->path, o->name, s->name, a->set);
		site_remedy(f, "take it out of the flow to one of them, or of the `post` of one: it would be booked twice");
	}
	mapping_set_free(others);
	sap_cfg_fini(&other);
}

static void
check_twice(const struct sink *s, const struct plan *p, const struct sap_cfg *cfg, const struct mapping_set *set, struct findings *f)
{
	/* Ends at s itself: a pair is told once. */
	for (uint32_t i = 0; i < p->nsinks && &p->sinks[i] != s; i++)
		if (strcmp(p->sinks[i].kind, s->kind) == 0)
			check_other(s, &p->sinks[i], p, cfg, set, f);
}

void
sap_verify(const struct sink *s, const struct plan *plan, const char *dir, bool online, struct findings *f)
{
	const struct mapping *used[SAP_MAPPINGS_USED_MAX];
	struct sap_cfg cfg;
	struct mapping_set *set = NULL;
	char why[400];
	size_t key;

	/* Both have been judged when the site was loaded. */
	if (sap_cfg_read(s, &cfg, why, sizeof why, &key) == 0 && mapping_load_quiet(cfg.mappings, &set, why, sizeof why) == 0) {
		size_t n = sap_mappings_used(&cfg, set, used);
		check_events(s, plan, &cfg, set, f);
		check_twice(s, plan, &cfg, set, f);
		if (online)
			ask_all(&cfg, used, n, s->place, f);
		else if (dir != NULL)
			look_at_copy(dir, used, n, s->place, f);
	}
	mapping_set_free(set);
	sap_cfg_fini(&cfg);
}
