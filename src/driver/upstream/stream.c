/* A stream of another node: its schema, which of its tags are wanted here, and what of it was received before. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/upstream/upstream.h"
#include "os/clock.h"
#include "os/stream.h"
#include "os/timer.h"
#include "os/watch.h"

int
upstreams_init(struct upstreams *us, const struct source *s, struct driver_host *h)
{
	char why[200];

	us->h = h;
	us->s = s;
	us->watch = us->timer = -1;
	us->persist_at = MONO_NEVER;
	us->quiet = (struct log_limit){ .burst = 5, .period_ms = 60000 };
	us->at = calloc(s->ntags + 1, sizeof *us->at);
	us->trouble = calloc(s->ntags + 1, sizeof *us->trouble);
	us->pending = calloc(PENDING_MAX, sizeof *us->pending);
	int err = stored_init(&us->stored);
	if (us->at == NULL || us->trouble == NULL || us->pending == NULL)
		err = ERR_NOMEM;
	if (err == 0)
		err = saver_open(&us->saver);
	if (err == 0)
		err = watch_open(&us->watch);
	if (err == 0)
		err = timer_open(&us->timer);
	if (err == 0)
		err = watch_set(us->watch, us->timer, true, false);
	if (err == 0)
		err = watch_set(us->watch, saver_wake(us->saver), true, false);
	for (uint32_t i = 0; i < s->ntags && err == 0; i++)
		err = upstream_at_parse(s->tags[i].at, &us->at[i], why, sizeof why);
	return err;
}

/* But its receipts, which the saver may be at work on. */
static void
upstream_free(struct upstream *u)
{
	schema_free(&u->schema);
	free(u->map);
	free(u);
}

void
upstreams_fini(struct upstreams *us)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < us->npending; i++)
		free(us->pending[i].copy);
	for (const struct upstream *u = us->list; u != NULL; u = u->next)
		n++;
	struct receipts **all = calloc(n + 1, sizeof *all);
	if (all == NULL)
		fatal("out_of_memory", "source=\"%s\" what=close", us->s->name);
	for (n = 0; us->list != NULL; n++) {
		struct upstream *u = us->list;
		us->list = u->next;
		all[n] = u->receipts;
		upstream_free(u);
	}
	saver_close(us->saver, all, n);
	us->saver = NULL;
	stored_fini(&us->stored);
	free(us->pending);
	free(us->trouble);
	free(us->at);
	stream_close(us->timer);
	stream_close(us->watch);
	us->pending = NULL;
	us->trouble = NULL;
	us->at = NULL;
}

int
upstream_dir(const struct upstreams *us, char out[DISK_PATH_MAX])
{
	return snprintf(out, DISK_PATH_MAX, "%s/link/%s", driver_state(), us->s->name) >= (int)DISK_PATH_MAX ? ERR_LIMIT : 0;
}

void
upstream_begin(struct upstreams *us, struct upstream *u, uint32_t generation, uint64_t at)
{
	uint8_t hash[SPOOL_HASH], n[12];
	struct writer w = wr_init(n, sizeof n);

	u->generation = generation;
	u->emitted = u->base = at;
	wr_le64(&w, u->id);
	wr_le32(&w, u->generation);
	if (chain_link(&us->stored.chain, NULL, n, sizeof n, us->s->name, strlen(us->s->name), hash) != 0)
		fatal("out_of_memory", "what=\"hash of a stream\"");
	memcpy(&u->origin, hash, sizeof u->origin);
	u->origin += u->origin == 0;
}

static void
bad_tag(struct upstreams *us, uint32_t tag, uint32_t status, const char *why)
{
	struct value none = { .type = VALUE_NULL };
	struct wall zero = { 0 };

	snprintf(us->trouble[tag], sizeof us->trouble[tag], "%s", why);
	us->h->sample(us->h, 0, tag, status, &none, zero, zero, wall_now(), 0);
	log_warn("link_tag_bad", "source=\"%s\" tag=\"%s\" why=\"%s\"", us->s->name, us->s->tags[tag].path, why);
}

static void
map_tag(struct upstreams *us, struct upstream *u, uint32_t tag)
{
	const struct upstream_at *at = &us->at[tag];
	const struct spool_schema *sc = &u->schema.schema;
	char why[120];
	uint32_t i = 0;

	while (i < sc->n && strcmp(sc->tags[i].name, at->path) != 0)
		i++;
	if (i == sc->n)
		bad_tag(us, tag, (uint32_t)STATUS_BadNodeIdUnknown, "the other node's flow has no tag of this path: compare with its site file");
	else if (sc->tags[i].type != at->type) {
		snprintf(why, sizeof why, "there it is %s%s: write [type %s%s] behind the address", value_type_name(sc->tags[i].type),
		    (sc->tags[i].type & VALUE_ARRAY) != 0 ? "[]" : "", value_type_name(sc->tags[i].type), (sc->tags[i].type & VALUE_ARRAY) != 0 ? "[]" : "");
		bad_tag(us, tag, (uint32_t)STATUS_BadConfigurationError, why);
	} else if (us->s->tags[tag].scaled)
		bad_tag(us, tag, (uint32_t)STATUS_BadConfigurationError, "values of another node pass unchanged: leave factor and offset away");
	else {
		u->nmapped += u->map[i] == 0;
		u->map[i] = tag + 1;
		us->trouble[tag][0] = '\0';
	}
}

static void __attribute__((format(printf, 2, 3)))
fail(struct upstreams *us, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(us->why, sizeof us->why, fmt, ap);
	va_end(ap);
}

static struct upstream *
upstream_new(struct upstreams *us, uint64_t id, const char *flow, uint32_t version, const void *schema, size_t len)
{
	struct upstream *u = calloc(1, sizeof *u);
	char dir[DISK_PATH_MAX];
	int err = u == NULL ? ERR_NOMEM : schema_parse(schema, len, &us->stored.chain, &u->schema);

	if (u == NULL || (u->receipts = calloc(1, sizeof *u->receipts)) == NULL)
		fatal("out_of_memory", "what=\"stream of another node\"");
	u->receipts->fd = -1;
	if (err != 0 || strcmp(u->schema.schema.flow, flow) != 0 || u->schema.schema.version != version) {
		fail(us, "the schema of flow %.100s cannot be read: %s", flow, err_text(err != 0 ? err : ERR_PROTO));
		receipts_free(u->receipts);
		upstream_free(u);
		return NULL;
	}
	u->id = id;
	snprintf(u->flow, sizeof u->flow, "%s", flow);
	err = upstream_dir(us, dir);
	if (err == 0)
		err = receipts_open(u->receipts, &disk_os, dir, u->id, version, u->schema.hash);
	u->map = calloc(u->schema.schema.n + 1, sizeof *u->map);
	if (err != 0 || u->map == NULL) {
		log_error("link_receipts", "source=\"%s\" flow=\"%s\" file=\"%s\" error=\"%s\" remedy=\"%s\"", us->s->name, u->flow, u->receipts->path,
		    err_text(err), err == ERR_CORRUPT ? "the file is damaged: keep a copy and remove it; the stream then goes on from what the sender still owes" :
		    "see that the disk has room and the folder can be written");
		fail(us, "receipts of flow %.100s: %s", u->flow, err_text(err));
		receipts_free(u->receipts);
		upstream_free(u);
		return NULL;
	}
	if (u->receipts->nrows > u->receipts->n) {
		struct save_job *j = save_job_new(u->receipts, u, 0);
		j->check = true;
		us->njobs++;
		saver_put(us->saver, j);
	}
	const struct receipt *last = u->receipts->n > 0 ? &u->receipts->newest[u->receipts->n - 1] : NULL;
	upstream_begin(us, u, last != NULL ? last->generation : 0, last != NULL ? last->last : 0);
	u->newest = last != NULL ? last->sealed : u->newest;
	u->next = us->list;
	us->list = u;
	for (uint32_t i = 0; i < us->s->ntags; i++)
		if (strcmp(us->at[i].flow, u->flow) == 0)
			map_tag(us, u, i);
	log_info("link_stream", "source=\"%s\" flow=\"%s\" schema=%08x tags=%u mapped=%u received=%llu%s", us->s->name, u->flow, version, u->schema.schema.n,
	    u->nmapped, (unsigned long long)u->base, u->nmapped == 0 ? " note=\"no tag here takes anything of it: it is acknowledged and dropped\"" : "");
	return u;
}

struct upstream *
upstream_find(const struct upstreams *us, uint64_t id)
{
	struct upstream *u = us->list;

	while (u != NULL && u->id != id)
		u = u->next;
	return u;
}

struct upstream *
upstream_get(struct upstreams *us, uint64_t id, const char *flow, uint32_t version, const void *schema, size_t len)
{
	struct upstream *u = upstream_find(us, id);

	if (u != NULL && (strcmp(u->flow, flow) != 0 || u->schema.schema.version != version)) {
		fail(us, "one stream id for two flows, %.100s and %.100s: do not copy <state>/office of a node", u->flow, flow);
		return NULL;
	}
	return u != NULL ? u : upstream_new(us, id, flow, version, schema, len);
}

void
upstream_why(const struct upstreams *us, uint32_t tag, struct json *out)
{
	if (us->trouble[tag][0] != '\0')
		json_key_text(out, "reason", us->trouble[tag]);
	json_key_text(out, "flow", us->at[tag].flow);
	for (const struct upstream *u = us->list; u != NULL; u = u->next) {
		if (strcmp(u->flow, us->at[tag].flow) != 0)
			continue;
		json_key(out, "received_to");
		json_i64(out, (int64_t)(u->receipts->n > 0 ? u->receipts->newest[u->receipts->n - 1].last : 0));
		json_key_i64(out, "on_the_way_to", (int64_t)upstream_last(us, u, NULL));
		return;
	}
}
