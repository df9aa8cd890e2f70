/* See loop.h. Timers and delayed callbacks are few, so they are looked through. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/opcua/loop_int.h"
#include "os/clock.h"
#include "os/stream.h"

static struct ua_loop *
of(UA_EventLoop *el)
{
	return (struct ua_loop *)(void *)el;
}

static void
set_state(struct ua_loop *l, UA_EventLoopState s)
{
	*(UA_EventLoopState *)(uintptr_t)&l->el.state = s;	/* const for all but the loop itself */
}

static UA_StatusCode
el_start(UA_EventLoop *el)
{
	set_state(of(el), UA_EVENTLOOPSTATE_STARTED);
	of(el)->cm.eventSource.state = UA_EVENTSOURCESTATE_STARTED;
	return UA_STATUSCODE_GOOD;
}

static void
el_stop(UA_EventLoop *el)
{
	set_state(of(el), UA_EVENTLOOPSTATE_STOPPED);
}

static UA_DateTime el_now(UA_EventLoop *el) { (void)el; return UA_DateTime_now(); }
static UA_DateTime el_mono(UA_EventLoop *el) { (void)el; return UA_DateTime_nowMonotonic(); }
static UA_Int64 el_offset(UA_EventLoop *el) { (void)el; return UA_DateTime_localTimeUtcOffset(); }
static UA_DateTime el_next(UA_EventLoop *el) { (void)el; return UA_DateTime_nowMonotonic(); }
static UA_StatusCode el_free(UA_EventLoop *el) { (void)el; return UA_STATUSCODE_GOOD; }

static UA_StatusCode
add_timer(struct ua_loop *l, UA_Callback cb, void *application, void *data, struct mono at, int64_t every_ns, UA_UInt64 *id)
{
	for (unsigned i = 0; i < UA_TIMERS_MAX; i++) {
		struct ua_timer *t = &l->timers[i];
		if (t->id != 0)
			continue;
		*t = (struct ua_timer){ ++l->last_id, cb, application, data, every_ns, at };
		if (id != NULL)
			*id = t->id;
		return UA_STATUSCODE_GOOD;
	}
	return UA_STATUSCODE_BADRESOURCEUNAVAILABLE;
}

static UA_StatusCode
el_add_cyclic(UA_EventLoop *el, UA_Callback cb, void *application, void *data, UA_Double interval_ms, UA_DateTime *base,
    UA_TimerPolicy policy, UA_UInt64 *id)
{
	int64_t ns = (int64_t)(interval_ms * (double)NS_PER_MS);

	(void)base;
	(void)policy;
	return add_timer(of(el), cb, application, data, mono_add(mono_now(), ns), ns > 0 ? ns : NS_PER_MS, id);
}

static UA_StatusCode
el_modify_cyclic(UA_EventLoop *el, UA_UInt64 id, UA_Double interval_ms, UA_DateTime *base, UA_TimerPolicy policy)
{
	(void)base;
	(void)policy;
	for (unsigned i = 0; i < UA_TIMERS_MAX; i++)
		if (of(el)->timers[i].id == id && id != 0) {
			of(el)->timers[i].every_ns = (int64_t)(interval_ms * (double)NS_PER_MS);
			return UA_STATUSCODE_GOOD;
		}
	return UA_STATUSCODE_BADNOTFOUND;
}

static void
el_remove_cyclic(UA_EventLoop *el, UA_UInt64 id)
{
	for (unsigned i = 0; i < UA_TIMERS_MAX; i++)
		if (of(el)->timers[i].id == id)
			of(el)->timers[i].id = 0;
}

static UA_StatusCode
el_add_timed(UA_EventLoop *el, UA_Callback cb, void *application, void *data, UA_DateTime date, UA_UInt64 *id)
{
	int64_t ns = (date - UA_DateTime_nowMonotonic()) * 100;

	return add_timer(of(el), cb, application, data, mono_add(mono_now(), ns > 0 ? ns : 0), 0, id);
}

static void
el_add_delayed(UA_EventLoop *el, UA_DelayedCallback *dc)
{
	dc->next = NULL;
	*of(el)->delayed_end = dc;
	of(el)->delayed_end = &dc->next;
}

static void
el_remove_delayed(UA_EventLoop *el, UA_DelayedCallback *dc)
{
	struct ua_loop *l = of(el);

	for (UA_DelayedCallback **at = &l->delayed; *at != NULL; at = &(*at)->next)
		if (*at == dc) {
			*at = dc->next;
			if (l->delayed_end == &dc->next)
				l->delayed_end = at;
			return;
		}
}

static UA_StatusCode
el_register(UA_EventLoop *el, UA_EventSource *es)
{
	(void)el;
	(void)es;
	return UA_STATUSCODE_BADNOTSUPPORTED;
}

static bool
run_delayed(struct ua_loop *l)
{
	UA_DelayedCallback *dc = l->delayed;

	l->delayed = NULL;		/* those that come meanwhile wait for the next turn */
	l->delayed_end = &l->delayed;
	bool any = dc != NULL;
	while (dc != NULL) {
		UA_DelayedCallback *next = dc->next;	/* dc may be freed by its own callback */
		if (dc->callback != NULL)
			dc->callback(dc->application, dc->context);
		dc = next;
	}
	return any;
}

static bool
run_timers(struct ua_loop *l, struct mono now)
{
	bool any = false;

	for (unsigned i = 0; i < UA_TIMERS_MAX; i++) {
		struct ua_timer t = l->timers[i];
		if (t.id == 0 || mono_before(now, t.at))
			continue;
		if (t.every_ns > 0)
			l->timers[i].at = mono_add(now, t.every_ns);
		else
			l->timers[i].id = 0;
		t.call(t.application, t.data);
		any = true;
	}
	return any;
}

static void
wait(struct ua_loop *l, struct mono until)
{
	struct wait_fd v[UA_SOCKETS_MAX + 1] = { { .fd = l->wake_fd, .in = true } };
	struct ua_socket *which[UA_SOCKETS_MAX];
	uintptr_t ids[UA_SOCKETS_MAX];

	for (unsigned i = 0; i < UA_TIMERS_MAX; i++)
		if (l->timers[i].id != 0)
			until = mono_min(until, l->timers[i].at);
	unsigned n = ua_tcp_wants(l, v + 1, which, &until);
	for (unsigned i = 0; i < n; i++)
		ids[i] = which[i]->id;
	int64_t ns = until.ns == INT64_MAX ? -1 : mono_diff(until, mono_now());
	if (l->lock.drop != NULL)
		l->lock.drop(l->lock.arg);
	wait_fds(v, n + 1, until.ns != INT64_MAX && ns < 0 ? 0 : ns);
	if (l->lock.take != NULL)
		l->lock.take(l->lock.arg);
	if (v[0].can_in)
		wake_clear(l->wake_fd);
	for (unsigned i = 0; i < n; i++)
		if ((v[i + 1].can_in || v[i + 1].can_out) && which[i]->id == ids[i])
			ua_tcp_ready(l, which[i], &v[i + 1]);
}

void
ua_loop_run(struct ua_loop *l, struct mono until)
{
	struct mono now = mono_now();
	bool did = run_delayed(l);

	did |= run_timers(l, now);
	did |= ua_tcp_sweep(l, now);
	wait(l, did || l->delayed != NULL ? now : until);
}

static UA_StatusCode
el_run(UA_EventLoop *el, UA_UInt32 timeout)
{
	ua_loop_run(of(el), mono_add(mono_now(), (int64_t)timeout * NS_PER_MS));
	return UA_STATUSCODE_GOOD;
}

static const UA_EventLoop methods = { .start = el_start, .stop = el_stop, .run = el_run, .free = el_free,
	.dateTime_now = el_now, .dateTime_nowMonotonic = el_mono, .dateTime_localTimeUtcOffset = el_offset,
	.nextCyclicTime = el_next, .addCyclicCallback = el_add_cyclic, .modifyCyclicCallback = el_modify_cyclic,
	.removeCyclicCallback = el_remove_cyclic, .addTimedCallback = el_add_timed, .addDelayedCallback = el_add_delayed,
	.removeDelayedCallback = el_remove_delayed, .registerEventSource = el_register, .deregisterEventSource = el_register };

struct ua_loop *
ua_loop_new(const struct ua_loop_lock *lock)
{
	struct ua_loop *l = calloc(1, sizeof *l);

	if (l == NULL)
		return NULL;
	if (wake_open(&l->wake_fd) != 0) {
		free(l);
		return NULL;
	}
	memcpy(&l->el, &methods, sizeof methods);	/* its state is const, so it cannot be assigned */
	l->el.eventSources = &l->cm.eventSource;
	l->delayed_end = &l->delayed;
	if (lock != NULL)
		l->lock = *lock;
	l->connect_ns = 10 * NS_PER_S;
	ua_tcp_init(l);
	return l;
}

void
ua_loop_free(struct ua_loop *l)
{
	if (l == NULL)
		return;
	for (unsigned i = 0; i < UA_SOCKETS_MAX; i++)
		if (l->sockets[i].state != UA_SOCKET_FREE) {
			stream_close(l->sockets[i].fd);
			free(l->sockets[i].out);
		}
	stream_close(l->wake_fd);
	free(l);
}

UA_EventLoop *ua_loop_el(struct ua_loop *l) { return &l->el; }
void ua_loop_wake(struct ua_loop *l) { wake_set(l->wake_fd); }
const char *ua_loop_why(const struct ua_loop *l) { return l->why; }
void ua_loop_forget(struct ua_loop *l) { l->why[0] = '\0'; }
void ua_loop_set_connect(struct ua_loop *l, int64_t ns) { l->connect_ns = ns; }
uint64_t ua_loop_bytes(const struct ua_loop *l, bool out) { return out ? l->bytes_out : l->bytes_in; }
