/*
 * The driver "manual": tags that no device has. What a person enters (`penstock request write`, a sink that passes requests on) or what comes
 * from above (orders of an ERP system) is kept here as a value of a tag: the current order, operation, lot, serial number, a reason. It is
 * written through the same gate as anything else, so who may enter what is an entry of `requests:`.
 *
 * A tag is bad (waiting for its first value) until it is set; from then on it is good, with the time at which it was entered. Values are on
 * disk before a write is confirmed, and are there again after a restart.
 *
 * A driver of kind LINK_OWN without a thread, woken by a timer alone. A write waits for the disk in the engine's loop,
 * which is for entries by hand, not for streams of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "driver/manual/manual_store.h"
#include "driver/own.h"
#include "model/status.h"
#include "os/clock.h"
#include "os/stream.h"
#include "os/timer.h"

#define REPEAT_MIN_NS	NS_PER_S	/* values are told again at most so often */
#define ASKS_MAX	64u

/* Something asked, answered by the next tick. */
struct manual_ask { uint32_t id, tag; bool reread; };

struct manual {
	struct driver_host	*h;
	const struct source	*s;
	struct manual_store	 store;
	char			(*names)[MANUAL_NAME_MAX + 1];	/* of each tag */
	bool			 broken;	/* the file cannot be believed: nothing is entered */
	int			 timer;
	struct mono		 repeat_at;
	int64_t			 repeat_ns;
	struct manual_ask	 asks[ASKS_MAX];
	uint32_t		 nasks;
	uint64_t		 writes, refused;
};

static const struct key manual_keys[] = { { 0 } };

static const char *const manual_at_forms[] = {
	"NAME TYPE: a value of this name, of type bool, int64, float64 or string; order string, pieces int64",
	NULL
};

/* ---- addresses ---- */

static int
parse(const char *at, char name[MANUAL_NAME_MAX + 1], uint8_t *type, char *why, size_t size)
{
	static const uint8_t types[] = { VALUE_BOOL, VALUE_I64, VALUE_F64, VALUE_TEXT };
	const char *blank = strchr(at, ' ');
	size_t len = blank != NULL ? (size_t)(blank - at) : 0;
	int t = blank != NULL ? value_type_parse(blank + 1, strlen(blank + 1)) : -1;

	if (len == 0 || len > MANUAL_NAME_MAX ||
	    strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != len) {
		snprintf(why, size,
		    "it is not NAME TYPE, such as \"order string\"; a name has letters, digits, '.', '_' and '-'");
		return ERR_SYNTAX;
	}
	for (size_t i = 0; i < sizeof types; i++)
		if (t == types[i]) {
			snprintf(name, MANUAL_NAME_MAX + 1, "%.*s", (int)len, at);
			*type = types[i];
			return 0;
		}
	snprintf(why, size, "\"%.40s\" is no type that it takes: write bool, int64, float64 or string", blank + 1);
	return ERR_SYNTAX;
}

static int
manual_parse_at(const char *at, const struct keyval *keys, struct at_info *out, char *why, size_t size)
{
	char name[MANUAL_NAME_MAX + 1] = "";
	uint8_t type = 0;
	(void)keys;

	int err = parse(at, name, &type, why, size);
	uint64_t hash = 1469598103934665603ull;	/* two tags of one name are one value: they overlap */
	for (const char *c = name; *c != '\0'; c++)
		hash = (hash ^ (uint8_t)*c) * 1099511628211ull;
	*out = (struct at_info){ .type = type, .writable = true, .first = hash, .last = hash };
	return err;
}

/* ---- life ---- */

static int
manual_link(const struct source *s, struct link_spec *out)
{
	(void)s;
	*out = (struct link_spec){ .kind = LINK_OWN };
	return 0;
}

static size_t
manual_size(const struct link_sources *s)
{
	(void)s;
	return sizeof(struct manual);
}

static int
manual_open(void *ctx, const struct link_sources *s, struct driver_host *h)
{
	struct manual *d = ctx;
	char why[200];
	uint8_t type;

	if (s->n != 1)
		return ERR_LIMIT;	/* each source has a link of its own, see no_endpoint */
	d->h = h;
	d->s = s->v[0];
	d->repeat_ns = d->s->nscans > 0 && d->s->scans_ns[0] > REPEAT_MIN_NS ? d->s->scans_ns[0] : REPEAT_MIN_NS;
	d->names = calloc(d->s->ntags + 1, sizeof *d->names);
	int err = d->names == NULL ? ERR_NOMEM : 0;
	for (uint32_t i = 0; i < d->s->ntags && err == 0; i++)
		err = parse(d->s->tags[i].at, d->names[i], &type, why, sizeof why);
	if (err == 0)
		err = timer_open(&d->timer);
	if (err != 0)
		free(d->names);
	return err;
}

static void
manual_close(void *ctx)
{
	struct manual *d = ctx;

	manual_store_close(&d->store);
	stream_close(d->timer);
	free(d->names);
}

static int
manual_wake(const void *ctx)
{
	return ((const struct manual *)ctx)->timer;
}

/* ---- values ---- */

static void
tell(struct manual *d, uint32_t tag, struct wall wall, uint8_t flags)
{
	const struct manual_value *m = manual_store_get(&d->store, d->names[tag]);
	struct value none = { .type = VALUE_NULL };
	struct wall unknown = { 0 };
	bool set = m != NULL && m->when.ns != 0 && m->v.type == d->s->tags[tag].type;

	d->h->sample(d->h, 0, tag, set ? (uint32_t)STATUS_Good : (uint32_t)STATUS_BadWaitingForInitialData,
	    set ? &m->v : &none, set ? m->when : unknown, unknown, wall, flags);
}

static void
tell_all(struct manual *d, struct mono now, struct wall wall)
{
	for (uint32_t i = 0; i < d->s->ntags; i++)
		tell(d, i, wall, 0);
	d->h->outcome(d->h, 0, OUTCOME_OK, 0, 0);
	d->repeat_at = mono_add(now, d->repeat_ns);
	timer_arm(d->timer, d->repeat_at);
}

static void
manual_up(void *ctx, struct mono now, struct wall wall)
{
	struct manual *d = ctx;
	char why[300];

	int err = manual_store_open(&d->store, &disk_os, driver_state(), d->s->name);
	d->broken = err != 0;
	if (err != 0) {
		snprintf(why, sizeof why,
		    "the file of its values cannot be used: %s; nothing can be entered until it is repaired or moved away",
		    err_text(err));
		log_error("manual_unreadable", "source=\"%s\" path=\"%s\" error=\"%s\"", d->s->name, d->store.path,
		    err_text(err));
		d->h->reach(d->h, 0, false, why);
	} else
		d->h->reach(d->h, 0, true, "values are on the disk of this machine");
	tell_all(d, now, wall);
}

static void
manual_tick(void *ctx, struct mono now, struct wall wall)
{
	struct manual *d = ctx;

	for (uint32_t i = 0; i < d->nasks; i++) {
		const struct manual_ask *a = &d->asks[i];
		if (a->tag != UINT32_MAX)
			tell(d, a->tag, wall, a->reread ? SAMPLE_REREAD : 0);
		if (a->id != UINT32_MAX)
			d->h->done(d->h, a->id, 0, "");
	}
	d->nasks = 0;
	if (!mono_before(now, d->repeat_at))
		tell_all(d, now, wall);
	else
		timer_arm(d->timer, d->repeat_at);
}

static void
manual_down(void *ctx, struct mono now, struct wall wall)
{
	struct manual *d = ctx;

	manual_tick(d, now, wall);	/* what was asked is answered */
	timer_arm(d->timer, MONO_NEVER);
	d->h->left(d->h);
}

static void
answer(struct manual *d, struct mono now, uint32_t id, uint32_t tag, bool reread)
{
	d->asks[d->nasks++] = (struct manual_ask){ id, tag, reread };
	timer_arm(d->timer, now);
}

static int
manual_write(void *ctx, uint32_t src, uint32_t tag, const struct value *v, uint32_t id, struct mono now)
{
	struct manual *d = ctx;
	(void)src;

	if (d->nasks == ASKS_MAX)
		return ERR_BUSY;
	if (d->broken)
		return ERR_DENIED;
	if (tag >= d->s->ntags || v->type != d->s->tags[tag].type)
		return ERR_TYPE;
	if (value_has_bytes(v->type) && v->len > MANUAL_TEXT_MAX)
		return ERR_RANGE;
	if (d->h->deadline != NULL && mono_before(d->h->deadline(d->h, id), now))
		return ERR_EXPIRED;
	int err = manual_store_set(&d->store, d->names[tag], v, wall_now());
	d->writes += err == 0;
	d->refused += err != 0;
	if (err != 0) {
		log_error("manual_not_kept",
		    "source=\"%s\" path=\"%s\" error=\"%s\" note=\"the tag has its value of before\"", d->s->name,
		    d->store.path, err_text(err));
		return ERR_DENIED;
	}
	answer(d, now, id, tag, false);
	return 0;
}

static int
manual_read(void *ctx, uint32_t src, const uint32_t *tags, uint32_t n, uint32_t id, struct mono now)
{
	struct manual *d = ctx;
	(void)src;

	if (n >= ASKS_MAX - d->nasks)
		return ERR_BUSY;
	for (uint32_t i = 0; i < n; i++)
		answer(d, now, UINT32_MAX, tags[i], true);
	answer(d, now, id, UINT32_MAX, true);
	return 0;
}

/* ---- what the engine may call and does not need ---- */

static void
manual_why(const void *ctx, uint32_t src, uint32_t tag, struct json *out)
{
	const struct manual *d = ctx;
	const struct manual_value *m = manual_store_get(&d->store, d->names[tag]);
	char when[WALL_TEXT];
	(void)src;

	json_key(out, "reason");
	json_text(out, d->broken ? "the file of its values cannot be used" : m == NULL || m->when.ns == 0 ?
	    "nobody has entered a value yet: penstock request write" : m->v.type != d->s->tags[tag].type ?
	    "it was entered when the tag had another type: enter it again" : "it was entered");
	json_key_text(out, "entered", m != NULL && m->when.ns != 0 ? wall_format(m->when, 3, when) : NULL);
}

static struct driver_counts
manual_counts(const void *ctx, uint32_t src)
{
	const struct manual *d = ctx;
	(void)src;
	return (
	    struct driver_counts){ .requests = d->writes + d->refused, .replies = d->writes, .exceptions = d->refused };
}

const struct driver manual_driver = {
	.info = { .name = "manual",
	    .help = "Values that no device has: entered by a person or from above through requests, kept on disk.",
	    .keys = manual_keys,
	    .at_forms = manual_at_forms,
	    .no_endpoint = true,
	    .writes = true,
	    .parse_at = manual_parse_at,
	    .load = own_no_load },
	.link = manual_link,
	.size = manual_size,
	.open = manual_open,
	.close = manual_close,
	.wake = manual_wake,
	.up = manual_up,
	.down = manual_down,
	.input = own_no_input,
	.tick = manual_tick,
	.next = own_no_next,
	.scan = own_no_scan,
	.give_up = own_no_give_up,
	.read = manual_read,
	.write = manual_write,
	.trace = own_no_trace,
	.why = manual_why,
	.counts = manual_counts,
	.explain = own_explain,
};
