/*
 * An agent's life: the copy of its source, its thread, the turns of its loop, what the engine asks of it. See agent.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "driver/opcua/agent.h"
#include "os/clock.h"
#include "site/copy.h"

#define LEAVE_NS	(2 * NS_PER_S)	/* longest that closing a session in good order may take */
#define COUNTS_NS	NS_PER_S

static atomic_uint living;

unsigned
ua_agents_living(void)
{
	return atomic_load(&living);
}

static void
take_lock(void *arg)
{
	struct ua_thread *t = arg;

	pthread_mutex_lock(&t->lock);
	t->agent.now = mono_now();
	t->agent.wall = wall_now();
}

static void
drop_lock(void *arg)
{
	pthread_mutex_unlock(&((struct ua_thread *)arg)->lock);
}

static void
agent_free(struct ua_thread *t)
{
	struct ua_agent *a = &t->agent;

	while (t->asks != NULL) {
		struct ua_asked *next = t->asks->next;
		free(t->asks);
		t->asks = next;
	}
	for (uint32_t i = 0; a->items != NULL && i < a->source->ntags; i++)
		free(a->items[i].why);
	ua_out_free(a->out);
	ua_loop_free(t->loop);
	pthread_mutex_destroy(&t->lock);
	pthread_mutex_destroy(&t->asks_lock);
	arena_fini(&a->memory);
	free(t);
	atomic_fetch_sub(&living, 1);
}

static void
unown(struct ua_thread *t)
{
	if (atomic_fetch_sub(&t->owners, 1) == 1)
		agent_free(t);
}

static int
parse_items(struct ua_agent *a)
{
	char why[400];

	a->items = arena_array(&a->memory, a->source->ntags, sizeof *a->items);
	for (uint32_t i = 0; i < a->source->ntags; i++) {
		struct ua_item *it = &a->items[i];
		it->tag = &a->source->tags[i];
		int err = ua_addr_parse(it->tag->at, &a->memory, &it->addr, why, sizeof why);
		if (err != 0) {		/* the site file was checked with the same function */
			log_error("opcua_address", "source=\"%s\" tag=\"%s\" error=\"%s\"", a->source->name, it->tag->path, why);
			return err;
		}
	}
	return 0;
}

int
ua_agent_new(const struct source *s, struct ua_thread **out)
{
	struct ua_thread *t = calloc(1, sizeof *t);

	if (t == NULL)
		return ERR_NOMEM;
	atomic_fetch_add(&living, 1);
	atomic_init(&t->owners, 1);
	pthread_mutex_init(&t->lock, NULL);
	pthread_mutex_init(&t->asks_lock, NULL);
	t->asks_end = &t->asks;
	t->agent.source = copy_sources(&t->agent.memory, &s, 1)[0];
	t->agent.keys = t->agent.source->keys;
	t->seed = hash64(s->name, strlen(s->name)) ^ (uint64_t)mono_now().ns;
	snprintf(t->home, sizeof t->home, "%s", driver_state());
	snprintf(t->site, sizeof t->site, "%s", driver_site());
	ua_conf_read(t->agent.keys, &t->conf);
	t->memory.max = t->conf.memory;
	t->loop = ua_loop_new(&(struct ua_loop_lock){ take_lock, drop_lock, t });
	int err = t->loop == NULL ? ERR_NOMEM : ua_out_new(t, &t->agent.out);
	if (err == 0)
		err = parse_items(&t->agent);
	if (err != 0)
		unown(t);
	else
		*out = t;
	return err;
}

/* ---- asks ---- */

static size_t
ask_size(const struct ua_ask *k)
{
	size_t n = sizeof(struct ua_asked) + k->ntags * sizeof *k->tags + 8 + k->nargs * sizeof *k->args;

	for (uint32_t i = 0; i < k->nargs; i++)
		n += value_has_bytes(k->args[i].type) ? k->args[i].len + 8 : 0;
	return n + (k->method != NULL ? strlen(k->method) + 1 : 0) + (k->comment != NULL ? strlen(k->comment) + 1 : 0);
}

static const char *
copy_text(uint8_t **to, const char *s)
{
	if (s == NULL)
		return NULL;
	size_t len = strlen(s) + 1;
	char *mine = memcpy(*to, s, len);
	*to += len;
	return mine;
}

int
ua_agent_ask(struct ua_thread *t, const struct ua_ask *k)
{
	struct ua_asked *q = atomic_load(&t->nasks) < UA_ASKS_MAX ? malloc(ask_size(k)) : NULL;

	if (q == NULL)
		return ERR_BUSY;
	*q = (struct ua_asked){ .ask = *k };
	struct value *args = (struct value *)(void *)(q + 1);
	uint32_t *tags = (uint32_t *)(void *)(args + k->nargs);
	uint8_t *to = (uint8_t *)(tags + k->ntags);
	if (k->ntags > 0)
		memcpy(tags, k->tags, k->ntags * sizeof *tags);
	for (uint32_t i = 0; i < k->nargs; i++) {
		args[i] = k->args[i];
		if (!value_has_bytes(args[i].type) || args[i].len == 0)
			continue;
		to += -(uintptr_t)to & 7;	/* arrays of doubles are read in place */
		args[i].p = memcpy(to, args[i].p, args[i].len);
		to += args[i].len;
	}
	q->ask.args = args;
	q->ask.tags = tags;
	q->ask.method = copy_text(&to, k->method);
	q->ask.comment = copy_text(&to, k->comment);
	atomic_fetch_add(&t->nasks, 1);
	pthread_mutex_lock(&t->asks_lock);
	*t->asks_end = q;
	t->asks_end = &q->next;
	pthread_mutex_unlock(&t->asks_lock);
	ua_loop_wake(t->loop);
	return 0;
}

static void
collect(struct ua_thread *t)
{
	struct ua_asked **end = &t->taken;

	while (*end != NULL)
		end = &(*end)->next;
	pthread_mutex_lock(&t->asks_lock);
	*end = t->asks;
	t->asks = NULL;
	t->asks_end = &t->asks;
	pthread_mutex_unlock(&t->asks_lock);
}

void
ua_agent_asked(struct ua_thread *t, uint32_t id)
{
	for (struct ua_asked **at = &t->taken; *at != NULL; at = &(*at)->next)
		if ((*at)->ask.id == id) {
			struct ua_asked *q = *at;
			*at = q->next;
			free(q);
			atomic_fetch_sub(&t->nasks, 1);
			return;
		}
}

void
ua_agent_refuse(struct ua_thread *t, const char *why)
{
	collect(t);
	while (t->taken != NULL)
		ua_out_done(&t->agent, t->taken->ask.id, t->taken->given ? ERR_CONN : ERR_BUSY, why);
}

static bool
offer(struct ua_agent *a, const struct ua_ask *ask)
{
	for (const struct ua_part *p = ua_parts; p->name != NULL; p++)
		if (p->ask != NULL && p->ask(a, ask))
			return true;
	return false;
}

void
ua_agent_serve(struct ua_thread *t)
{
	collect(t);
	for (struct ua_asked *q = t->taken, *next; q != NULL; q = next) {
		next = q->next;		/* a part may end this one at once, but no other */
		if (q->given)
			continue;
		q->given = true;
		uint32_t id = q->ask.id;
		if (!offer(&t->agent, &q->ask))
			ua_out_done(&t->agent, id, ERR_UNSUPPORTED, "this build of the driver cannot do that");
	}
}

/* ---- the thread ---- */

static int
start_parts(struct ua_agent *a)
{
	int err = 0;

	for (const struct ua_part *p = ua_parts; p->name != NULL && err == 0; p++)
		if (p->init != NULL && (err = p->init(a)) != 0)
			log_error("opcua_part", "source=\"%s\" part=%s error=\"%s\"", a->source->name, p->name, err_text(err));
	return err;
}

static struct mono
tick_parts(struct ua_agent *a, struct mono next)
{
	for (const struct ua_part *p = ua_parts; p->name != NULL && a->session; p++) {
		if (p->tick != NULL)
			p->tick(a, a->now);
		if (p->next != NULL)
			next = mono_min(next, p->next(a));
	}
	return next;
}

static void
leave(struct ua_thread *t)
{
	struct mono until = mono_add(mono_now(), LEAVE_NS);

	while (!ua_conn_leave(t, t->agent.now) && mono_before(mono_now(), until)) {
		ua_out_flush(t);
		ua_loop_run(t->loop, mono_min(until, mono_add(mono_now(), 50 * NS_PER_MS)));
	}
	ua_agent_refuse(t, "the connection is being closed");
	ua_out_left(&t->agent);
	ua_out_flush(t);
}

static void
turns(struct ua_thread *t)
{
	struct ua_agent *a = &t->agent;
	struct mono counts_at = mono_now();

	while (!atomic_load(&t->stop) && !atomic_load(&t->leave)) {
		struct mono next = mono_add(a->now, COUNTS_NS);
		if (a->session)
			ua_agent_serve(t);
		next = mono_min(next, ua_conn_tick(t, a->now));
		next = tick_parts(a, next);
		if (!mono_before(a->now, counts_at)) {
			ua_out_counts(a);
			counts_at = mono_add(a->now, COUNTS_NS);
		}
		ua_out_flush(t);
		ua_loop_run(t->loop, next);
	}
}

static void *
thread_main(void *arg)
{
	struct ua_thread *t = arg;

	ua_memory_pool(&t->memory, t->agent.source->ntags);
	ua_memory_enter(&t->memory);
	take_lock(t);
	t->working = ua_conn_new(t) == 0 && start_parts(&t->agent) == 0;
	if (t->working)
		turns(t);
	else
		ua_out_flush(t);	/* why it cannot work */
	while (!atomic_load(&t->stop) && !atomic_load(&t->leave))
		ua_loop_run(t->loop, MONO_NEVER);	/* "left" is an answer: not before it is asked for */
	leave(t);
	while (!atomic_load(&t->stop))
		ua_loop_run(t->loop, MONO_NEVER);
	t->working = false;
	for (const struct ua_part *p = ua_parts; p->name != NULL; p++)
		if (p->fini != NULL)
			p->fini(&t->agent);
	ua_conn_free(t);
	for (uint32_t i = 0; i < t->agent.source->ntags; i++) {
		UA_NodeId_clear(&t->agent.items[i].node);
		UA_NodeId_clear(&t->agent.items[i].data_type);
	}
	drop_lock(t);
	ua_memory_leave();
	unown(t);
	return NULL;
}

int
ua_agent_start(struct ua_thread *t)
{
	pthread_attr_t attr;
	pthread_t id;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, UA_STACK_BYTES);
	atomic_fetch_add(&t->owners, 1);
	int err = pthread_create(&id, &attr, thread_main, t);
	pthread_attr_destroy(&attr);
	if (err == 0)
		return 0;
	atomic_fetch_sub(&t->owners, 1);
	log_error("opcua_thread", "source=\"%s\" errno=%d", t->agent.source->name, err);
	return ERR_NOMEM;
}

void
ua_agent_release(struct ua_thread *t)
{
	if (t == NULL)
		return;
	atomic_store(&t->stop, true);
	ua_out_close(t->agent.out);
	ua_loop_wake(t->loop);
	unown(t);
}
