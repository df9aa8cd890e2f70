/*
 * The way of samples and answers from the agent's thread to the engine's: rows in chunks, in order. The agent fills a chunk alone, without a lock, and
 * hands it over when it is full or its turn of the loop ends; so the lock is taken once a chunk, not once a sample. The engine is woken
 * when the turn ends, once for all chunks of a message: waking a thread costs as much as a hundred samples. At most UA_OUT_MAX
 * bytes wait; then the agent waits, stops reading from the server, and the server's own queues fill up and say so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/opcua/agent.h"
#include "driver/opcua/ua_value.h"
#include "os/stream.h"
#include "os/wake.h"

#define CHUNK_BYTES	(256u << 10)
#define SPARES_MAX	8u

struct chunk {
	struct chunk	*next;
	size_t		 len;
	_Alignas(16) uint8_t rows[CHUNK_BYTES];
};
_Static_assert(CHUNK_BYTES >= sizeof(struct ua_out_row) + VALUE_BYTES_MAX + UA_TEXT_MAX + 64, "any row fits a chunk");

struct ua_out {
	int		 fd;
	pthread_mutex_t	 lock;
	pthread_cond_t	 room;
	struct chunk	*head, **tail;		/* under lock: wait for the engine */
	unsigned	 waiting;		/* chunks */
	struct chunk	*spares;
	unsigned	 nspares;
	bool		 closed;
	struct chunk	*open;			/* the agent's own */
	struct chunk	*read;			/* the engine's own */
	size_t		 read_at;
	bool		 unsaid;		/* chunks wait of which the engine was not told yet */
	bool		 alive;			/* an ALIVE stands in the open chunk already */
};

int
ua_out_new(struct ua_thread *t, struct ua_out **out)
{
	struct ua_out *o = calloc(1, sizeof *o);

	(void)t;
	if (o == NULL || wake_open(&o->fd) != 0) {
		free(o);
		return ERR_NOMEM;
	}
	o->tail = &o->head;
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->room, NULL);
	*out = o;
	return 0;
}

static void
free_chunks(struct chunk *c)
{
	while (c != NULL) {
		struct chunk *next = c->next;
		free(c);
		c = next;
	}
}

void
ua_out_free(struct ua_out *o)
{
	if (o == NULL)
		return;
	free_chunks(o->head);
	free_chunks(o->spares);
	free(o->open);
	free(o->read);
	pthread_mutex_destroy(&o->lock);
	pthread_cond_destroy(&o->room);
	stream_close(o->fd);
	free(o);
}

int
ua_out_fd(const struct ua_out *o)
{
	return o->fd;
}

void
ua_out_close(struct ua_out *o)
{
	pthread_mutex_lock(&o->lock);
	o->closed = true;
	pthread_cond_signal(&o->room);
	pthread_mutex_unlock(&o->lock);
}

/* ---- the agent's side ---- */

static void
tell(struct ua_out *o)
{
	if (o->unsaid)
		wake_set(o->fd);
	o->unsaid = false;
}

/* An empty chunk; waits while too many are on their way. NULL: nobody reads any more. */
static struct chunk *
take_chunk(struct ua_thread *t)
{
	struct ua_out *o = t->agent.out;
	struct chunk *c;

	pthread_mutex_lock(&o->lock);
	if (o->waiting >= UA_OUT_MAX / CHUNK_BYTES && !o->closed) {
		/* `penstock why` may look meanwhile: the engine must not wait for us while we wait for it. */
		pthread_mutex_unlock(&o->lock);
		tell(o);
		pthread_mutex_unlock(&t->lock);
		pthread_mutex_lock(&o->lock);
		while (o->waiting >= UA_OUT_MAX / CHUNK_BYTES && !o->closed)
			pthread_cond_wait(&o->room, &o->lock);
		pthread_mutex_unlock(&o->lock);
		pthread_mutex_lock(&t->lock);
		pthread_mutex_lock(&o->lock);
	}
	bool closed = o->closed;
	if ((c = closed ? NULL : o->spares) != NULL) {
		o->spares = c->next;
		o->nspares--;
	}
	pthread_mutex_unlock(&o->lock);
	if (closed)
		return NULL;	/* before a chunk is had: what is put now should cost nothing */
	if (c == NULL && (c = malloc(sizeof *c)) == NULL)
		fatal("out_of_memory", "what=samples source=\"%s\"", t->agent.source->name);
	c->next = NULL;
	c->len = 0;
	return c;
}

static void
hand_over(struct ua_out *o)
{
	struct chunk *c = o->open;

	if (c == NULL || c->len == 0)
		return;
	o->open = NULL;
	o->alive = false;
	pthread_mutex_lock(&o->lock);
	if (o->head == NULL)
		o->unsaid = true;	/* else it is, or the engine was told and is not through */
	*o->tail = c;
	o->tail = &c->next;
	o->waiting++;
	pthread_mutex_unlock(&o->lock);
}

void
ua_out_flush(struct ua_thread *t)
{
	hand_over(t->agent.out);
	tell(t->agent.out);
}

/* Put a row, its value's bytes and a text behind it. */
static void
put(struct ua_agent *a, struct ua_out_row *r, const char *text)
{
	struct ua_out *o = a->out;
	size_t bytes = value_has_bytes(r->v.type) ? r->v.len : 0;
	size_t len = text != NULL ? strnlen(text, UA_TEXT_MAX - 1) + 1 : 0;
	size_t size = (sizeof *r + bytes + len + 15) & ~(size_t)15;

	if (size > CHUNK_BYTES)
		return;		/* no value is so long: VALUE_BYTES_MAX */
	if (o->open != NULL && o->open->len + size > CHUNK_BYTES)
		hand_over(o);
	if (o->open == NULL && (o->open = take_chunk(ua_thread_of(a))) == NULL)
		return;
	uint8_t *to = o->open->rows + o->open->len;
	r->size = (uint32_t)size;
	r->text_len = (uint32_t)len;
	memcpy(to, r, sizeof *r);
	if (bytes > 0)
		memcpy(to + sizeof *r, r->v.p, bytes);
	if (len > 0) {
		memcpy(to + sizeof *r + bytes, text, len - 1);
		to[sizeof *r + bytes + len - 1] = '\0';
	}
	o->open->len += size;
}

/*
 * A plain value, that is nearly every one: its row is written in place, member by member. Building it aside and copying it costs as much as decoding it, since
 * wide loads of what was just stored in pieces wait for the stores.
 */
static bool
put_plain(struct ua_agent *a, uint32_t tag, uint32_t status, const struct value *v, struct wall source, struct wall server, struct wall arrival,
    uint8_t flags)
{
	const size_t size = (sizeof(struct ua_out_row) + 15) & ~(size_t)15;
	struct ua_out *o = a->out;

	if (o->open == NULL || o->open->len + size > CHUNK_BYTES || value_has_bytes(v->type))
		return false;
	struct ua_out_row *r = (struct ua_out_row *)(void *)(o->open->rows + o->open->len);
	r->size = (uint32_t)size;
	r->kind = UA_OUT_SAMPLE;
	r->flags = flags;
	r->no = tag;
	r->status = status;
	r->err = 0;
	r->text_len = 0;
	r->source = source;
	r->server = server;
	r->arrival = arrival;
	r->v.type = v->type;
	r->v.len = 0;
	r->v.u = v->u;
	o->open->len += size;
	return true;
}

void
ua_out_sample(struct ua_agent *a, uint32_t tag, uint32_t status, const struct value *v, struct wall source, struct wall server,
    struct wall arrival, uint8_t flags)
{
	if (v != NULL && put_plain(a, tag, status, v, source, server, arrival, flags))
		return;
	struct ua_out_row r = { .kind = UA_OUT_SAMPLE, .flags = flags, .no = tag, .status = status, .source = source,
		.server = server, .arrival = arrival };

	if (v != NULL)
		r.v = *v;
	put(a, &r, NULL);
}

void
ua_out_trouble(struct ua_agent *a, uint32_t tag, UA_StatusCode status, const char *why)
{
	struct ua_item *it = &a->items[tag];
	bool same = it->trouble == status && it->status == status;

	if (it->trouble == UA_STATUSCODE_GOOD)
		it->since = a->now;
	it->trouble = status;
	if (why == NULL || it->why == NULL || strcmp(why, it->why) != 0) {
		free(it->why);
		it->why = why != NULL ? strdup(why) : NULL;
	}
	it->status = status;
	if (!same)
		ua_out_sample(a, tag, status, NULL, (struct wall){ 0 }, (struct wall){ 0 }, a->wall, 0);
}

void
ua_out_done(struct ua_agent *a, uint32_t id, int err, const char *why)
{
	struct ua_out_row r = { .kind = UA_OUT_DONE, .no = id, .err = err };

	ua_agent_asked(ua_thread_of(a), id);
	put(a, &r, why);
}

void
ua_out_result(struct ua_agent *a, uint32_t id, uint32_t i, const struct value *v)
{
	struct ua_out_row r = { .kind = UA_OUT_RESULT, .no = id, .status = i, .v = *v };

	put(a, &r, NULL);
}

void
ua_out_alive(struct ua_agent *a)
{
	if (!a->out->alive)
		put(a, &(struct ua_out_row){ .kind = UA_OUT_ALIVE }, NULL);
	a->out->alive = true;
}

void
ua_out_reach(struct ua_agent *a, bool reached, const char *text)
{
	put(a, &(struct ua_out_row){ .kind = UA_OUT_REACH, .flags = reached, .arrival = a->wall }, text);
}

void
ua_out_left(struct ua_agent *a)
{
	put(a, &(struct ua_out_row){ .kind = UA_OUT_LEFT }, NULL);
}

void
ua_out_trace(struct ua_agent *a, bool out, const char *text)
{
	put(a, &(struct ua_out_row){ .kind = UA_OUT_TRACE, .flags = out }, text);
}

void
ua_out_counts(struct ua_agent *a)
{
	struct value v = { .type = VALUE_BYTES, .len = sizeof a->counts, .p = &a->counts };

	put(a, &(struct ua_out_row){ .kind = UA_OUT_COUNTS, .v = v }, NULL);
}

/* ---- the engine's side ---- */

/* The chunk was read: back to the agent. The next one, if any. */
static void
next_chunk(struct ua_out *o)
{
	struct chunk *done = o->read;

	pthread_mutex_lock(&o->lock);
	if (done != NULL) {
		if (o->waiting-- >= UA_OUT_MAX / CHUNK_BYTES)
			pthread_cond_signal(&o->room);
		if (o->nspares < SPARES_MAX) {
			done->next = o->spares;
			o->spares = done;
			o->nspares++;
			done = NULL;
		}
	}
	if (o->head == NULL)
		wake_clear(o->fd);
	if ((o->read = o->head) != NULL && (o->head = o->read->next) == NULL)
		o->tail = &o->head;
	pthread_mutex_unlock(&o->lock);
	o->read_at = 0;
	free(done);
}

const struct ua_out_row *
ua_out_next(struct ua_out *o, const char **text)
{
	if (o->read == NULL || o->read_at == o->read->len)
		next_chunk(o);
	if (o->read == NULL)
		return NULL;
	struct ua_out_row *r = (struct ua_out_row *)(void *)(o->read->rows + o->read_at);
	uint8_t *bytes = o->read->rows + o->read_at + sizeof *r;
	o->read_at += r->size;
	*text = NULL;
	if (value_has_bytes(r->v.type)) {
		r->v.p = bytes;
		bytes += r->v.len;
	}
	if (r->text_len > 0)
		*text = (const char *)bytes;
	return r;
}
