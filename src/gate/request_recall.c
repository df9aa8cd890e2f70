/*
 * The beginning and the end: what the log says of the time before, and plans. A request that was handed over by a gate
 * that died is unknown from then on, and is never sent again; one that was not is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "gate/request_int.h"

struct requests *
requests_new(const struct requests_ops *ops)
{
	struct requests *r = calloc(1, sizeof *r);

	if (r == NULL || (r->keys = calloc(REQUESTS_KEYS, sizeof *r->keys)) == NULL || chain_init(&r->chain) != 0)
		fatal("out_of_memory", "what=requests");
	r->ops = *ops;
	r->next_id = 1;
	r->flood_at = r->retry_at = MONO_NEVER;
	return r;
}

void
requests_free(struct requests *r)
{
	if (r == NULL)
		return;
	for (struct held *h = r->held, *next; h != NULL; h = next) {
		next = h->next;
		arena_fini(&h->memory);
		free(h);
	}
	for (struct pace *p = r->paces, *next; p != NULL; p = next) {
		next = p->next;
		free(p->moves);
		free(p->name);
		free(p);
	}
	interlocks_free(r->interlocks);	/* it stands in live_memory */
	map_fini(&r->live);
	arena_fini(&r->live_memory);
	chain_fini(&r->chain);
	free(r->open);
	free(r->keys);
	free(r);
}

/* ---- recall ---- */

static bool
digest_parse(const char *s, uint8_t out[DIGEST])
{
	for (size_t i = 0; i < DIGEST; i++) {
		unsigned v = 0;
		for (int k = 0; k < 2; k++) {
			char c = s[2 * i + (size_t)k];
			if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
				return false;
			v = v << 4 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
		}
		out[i] = (uint8_t)v;
	}
	return true;
}

static struct open_entry *
open_find(struct requests *r, uint64_t id)
{
	for (uint32_t i = r->nopen; i > 0; i--)
		if (r->open[i - 1].id == id)
			return &r->open[i - 1];
	return NULL;
}

static void
open_add(struct requests *r, const struct audit_line *l)
{
	if (r->nopen == r->open_cap) {
		uint32_t cap = r->open_cap != 0 ? 2 * r->open_cap : 64;
		struct open_entry *o = reallocarray(r->open, cap, sizeof *o);
		if (o == NULL)
			fatal("out_of_memory", "what=requests");
		r->open = o;
		r->open_cap = cap;
	}
	struct open_entry *o = &r->open[r->nopen++];
	*o = (struct open_entry){ .id = l->id };
	o->keyed = l->mark_len == 4 * DIGEST + 1 && l->mark[2 * DIGEST] == ':' && digest_parse(l->mark, o->key) &&
	    digest_parse(l->mark + 2 * DIGEST + 1, o->digest);
}

static void
open_close(struct requests *r, struct open_entry *o, enum request_state state)
{
	if (o->keyed)
		keys_put(r, o->key, o->digest, o->id, state);
	*o = r->open[--r->nopen];
}

static enum request_state
state_of_mark(const struct audit_line *l)
{
	for (int s = REQUEST_APPLIED; s < REQUEST_STATE_COUNT; s++) {
		const char *name = request_state_name((enum request_state)s);
		if (strlen(name) == l->mark_len && memcmp(name, l->mark, l->mark_len) == 0)
			return (enum request_state)s;
	}
	return REQUEST_UNKNOWN;
}

void
requests_recall(struct requests *r, const struct audit_line *l)
{
	struct open_entry *o = l->id != 0 ? open_find(r, l->id) : NULL;

	if (l->id >= r->next_id)
		r->next_id = l->id + 1;
	if (l->kind == AUDIT_REQUEST && o == NULL)
		open_add(r, l);
	else if (l->kind == AUDIT_SENT && o != NULL)
		o->sent = true;
	else if (l->kind == AUDIT_OUTCOME && o != NULL)
		open_close(r, o, state_of_mark(l));
}

/* Shown by the command line as what it is: the details stand in the log. */
static void
end_open(struct requests *r, const struct open_entry *o, struct mono now, struct wall wall)
{
	static const struct request nothing = { .target = "", .method = "", .event = "", .from = "", .user = "",
	    .key = "", .note = "" };
	uint64_t next = r->next_id;

	r->next_id = o->id;
	struct held *h = request_new(r, 0, &nothing, wall);
	r->next_id = next;
	h->state = REQUEST_STATE_COUNT;
	h->asked_entered = true;
	h->keyed = o->keyed;
	memcpy(h->key, o->key, DIGEST);
	memcpy(h->digest, o->digest, DIGEST);
	if (o->sent)
		request_end(r, h, REQUEST_UNKNOWN, REASON_LOST,
		    "gate ended before it was told what became of it; it is not sent again", now, wall);
	else
		request_end(r, h, REQUEST_REFUSED, REASON_RESTART, "", now, wall);
}

void
requests_recalled(struct requests *r, struct mono now, struct wall wall)
{
	if (r->nopen > 0)
		log_warn("requests_open", "count=%u note=\"of a gate before; each gets its outcome in the audit log "
		    "now\"", r->nopen);
	for (uint32_t i = 0; i < r->nopen; i++)
		end_open(r, &r->open[i], now, wall);
	free(r->open);
	r->open = NULL;
	r->nopen = r->open_cap = 0;
}

/* ---- plans ---- */

void
requests_plan(struct requests *r, const struct plan *p, struct mono now, struct wall wall)
{
	const struct plan *before = r->plan;
	struct target t;
	char text[TEXT_MAX];

	r->plan = p;
	live_reset(r, before);
	for (struct held *h = r->held; h != NULL; h = h->next)
		if (h->state == REQUEST_PENDING && judge_again(r, h, &t, text, sizeof text) != REASON_NONE)
			request_end(r, h, REQUEST_REFUSED, REASON_PLAN, text, now, wall);
}
