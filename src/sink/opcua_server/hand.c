/* See hand.h. */
#include "sink/opcua_server/hand.h"

#include <stdlib.h>
#include <time.h>

#include "base/log.h"

static void *
must(void *p)
{
	if (p == NULL)
		fatal("out_of_memory", "what=\"opcua server queue\"");
	return p;
}

void
uas_hand_init(struct uas_hand *h, uv_async_t *async)
{
	pthread_condattr_t attr;

	*h = (struct uas_hand){ .async = async };
	h->orders_tail = &h->orders;
	h->news_tail = &h->news;
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&h->wake, &attr);
	pthread_condattr_destroy(&attr);
}

void
uas_order_free(struct uas_order *o)
{
	if (o == NULL)
		return;
	if (o->add != NULL) {
		struct arena a = o->add->arena;	/* the stream lives in its own arena */
		arena_fini(&a);
	}
	free(o->text);
	free(o);
}

void
uas_news_free(struct uas_news *n)
{
	if (n == NULL)
		return;
	free(n->text);
	arena_fini(&n->arena);
	free(n);
}

void
uas_hand_fini(struct uas_hand *h)
{
	for (struct uas_order *o = h->orders, *next; o != NULL; o = next) {
		next = o->next;
		uas_order_free(o);
	}
	for (struct uas_news *n = h->news, *next; n != NULL; n = next) {
		next = n->next;
		uas_news_free(n);
	}
	pthread_cond_destroy(&h->wake);
	pthread_mutex_destroy(&h->lock);
}

struct uas_order *
uas_order_new(enum uas_order_kind kind, uint32_t stream)
{
	struct uas_order *o = must(calloc(1, sizeof *o));

	o->kind = kind;
	o->stream = stream;
	return o;
}

struct uas_order *
uas_order_batch(uint32_t stream, const struct spool_batch *b, bool live, bool owed)
{
	size_t texts = 0;

	for (uint32_t i = 0; i < b->n; i++)
		if (value_has_bytes(b->samples[i].v.type))
			texts += b->samples[i].v.len + 8;
	size_t bytes = sizeof(struct uas_order) + b->n * sizeof(struct sample) + texts;
	struct uas_order *o = malloc(bytes);
	if (o == NULL)
		return NULL;
	*o = (struct uas_order){ .kind = UAS_BATCH, .stream = stream, .live = live, .owed = owed, .first = b->first, .last = b->first + b->n - 1,
	    .n = b->n, .bytes = bytes };
	o->samples = (struct sample *)(o + 1);
	memcpy(o->samples, b->samples, b->n * sizeof(struct sample));
	char *to = (char *)(o->samples + b->n);
	for (uint32_t i = 0; i < b->n; i++) {
		struct value *v = &o->samples[i].v;
		if (!value_has_bytes(v->type))
			continue;
		if (v->len != 0)
			memcpy(to, v->p, v->len);
		v->p = to;
		to += (v->len + 7) / 8 * 8;	/* arrays of numbers begin where numbers may */
	}
	return o;
}

void
uas_hand_order(struct uas_hand *h, struct uas_order *o)
{
	pthread_mutex_lock(&h->lock);
	*h->orders_tail = o;
	h->orders_tail = &o->next;
	h->bytes += o->bytes;
	pthread_mutex_unlock(&h->lock);
}

bool
uas_hand_full(struct uas_hand *h)
{
	pthread_mutex_lock(&h->lock);
	bool full = h->bytes >= UAS_HAND_MAX;
	pthread_mutex_unlock(&h->lock);
	return full;
}

struct uas_news *
uas_hand_news(struct uas_hand *h)
{
	pthread_mutex_lock(&h->lock);
	struct uas_news *n = h->news;
	h->news = NULL;
	h->news_tail = &h->news;
	pthread_mutex_unlock(&h->lock);
	return n;
}

void
uas_hand_stop(struct uas_hand *h)
{
	pthread_mutex_lock(&h->lock);
	h->stop = true;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
}

struct uas_order *
uas_hand_orders(struct uas_hand *h)
{
	pthread_mutex_lock(&h->lock);
	struct uas_order *o = h->orders;
	h->orders = NULL;
	h->orders_tail = &h->orders;
	h->bytes = 0;
	pthread_mutex_unlock(&h->lock);
	return o;
}

void
uas_hand_tell(struct uas_hand *h, struct uas_news *n)
{
	pthread_mutex_lock(&h->lock);
	*h->news_tail = n;
	h->news_tail = &n->next;
	if (h->async != NULL)
		uv_async_send(h->async);
	pthread_mutex_unlock(&h->lock);
}

void
uas_hand_state(struct uas_hand *h, bool up, const char *text)
{
	struct uas_news *n = must(calloc(1, sizeof *n));

	n->kind = UAS_STATE;
	n->up = up;
	n->text = must(strdup(text));
	uas_hand_tell(h, n);
}

bool
uas_hand_stopping(struct uas_hand *h)
{
	pthread_mutex_lock(&h->lock);
	bool stop = h->stop;
	pthread_mutex_unlock(&h->lock);
	return stop;
}

void
uas_hand_wait(struct uas_hand *h, int ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * NS_PER_MS;
	if (t.tv_nsec >= NS_PER_S) {
		t.tv_sec++;
		t.tv_nsec -= NS_PER_S;
	}
	pthread_mutex_lock(&h->lock);
	while (!h->stop && pthread_cond_timedwait(&h->wake, &h->lock, &t) == 0)
		;
	pthread_mutex_unlock(&h->lock);
}
