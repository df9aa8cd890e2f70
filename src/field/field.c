/* See field.h. The engine as a whole: its kernel timer, its clocks, start and stop. */
#include "field/field.h"

#include <stdlib.h>

#include "base/log.h"
#include "field/apply.h"
#include "field/ask.h"
#include "field/feed.h"
#include "field/link.h"
#include "field/order.h"
#include "os/clock.h"
#include "os/stream.h"
#include "os/timer.h"

#define DEADLINES_A_TURN 4096u	/* fired before input is looked at again */

struct mono
field_now(struct field *f, struct wall *wall)
{
	struct mono now = mono_now();

	f->now = now;
	*wall = wall_now();
	int64_t offset = wall->ns - now.ns, step = offset - f->offset_ns;
	f->offset_ns = offset;
	if (step > FIELD_STEP_NS || step < -FIELD_STEP_NS) {
		f->clock_steps++;
		log_warn("clock_step", "by_ms=%lld", (long long)(step / NS_PER_MS));
		for (uint32_t i = 0; i < f->nlinks; i++)
			for (uint32_t k = 0; k < f->links[i]->sources.n; k++)
				feed_step(f->links[i]->feeds[k]);
	}
	return now;
}

void
field_emit(struct field *f, const struct batch_head *head, const struct sample *samples, const void *blob)
{
	f->batches++;
	f->samples += head->n;
	f->out.batch(f->out.arg, head, samples, blob);
}

/*
 * The kernel timer is armed only when something earlier came up; one that fires for a deadline that has moved costs a
 * look.
 */
static void
on_prepare(uv_prepare_t *h)
{
	struct field *f = h->data;
	struct mono next = deadlines_next(&f->deadlines);

	if (!mono_before(next, f->armed))
		return;
	f->armed = next;
	timer_arm(f->timer_fd, next);
}

static void
on_timer(uv_poll_t *h, int status, int events)
{
	struct field *f = h->data;

	(void)status;
	(void)events;
	f->armed = MONO_NEVER;
	deadlines_run(&f->deadlines, mono_now(), DEADLINES_A_TURN);
	if (deadlines_next(&f->deadlines).ns == INT64_MAX)
		timer_arm(f->timer_fd, MONO_NEVER);	/* nothing waits: silence the expiry that was just seen */
}

static void
emits_due(struct deadline *d, struct mono now)
{
	struct field *f = CONTAINER(d, struct field, emit_deadline);

	emit_run(&f->emits, now);
	field_watch_emits(f);
}

void
field_watch_emits(struct field *f)
{
	if (f->emits.head != NULL && !deadline_is_set(&f->emit_deadline))
		deadline_set(&f->deadlines, &f->emit_deadline, emit_next(&f->emits));
}

static void
stop_due(struct deadline *d, struct mono now)
{
	struct field *f = CONTAINER(d, struct field, stop_deadline);

	(void)now;
	if (f->running > 0)
		log_warn("stop_cuts_scans", "scans=%u", f->running);
	order_end_all(f);
	while (f->emits.head != NULL)
		emit_flush(f->emits.head, false);
	f->stopped(f->stopped_arg);
}

void
field_scan_ended(struct field *f)
{
	f->running--;
	if (f->stopping && f->running == 0)
		/* From the loop: we are within a driver call. */
		deadline_set(&f->deadlines, &f->stop_deadline, mono_now());
}

void
field_durable(struct field *f, uint64_t origin, uint64_t no, bool hole)
{
	for (uint32_t i = 0; i < f->nlinks; i++)
		if (link_is_own(f->links[i]))
			link_own_durable(f->links[i], origin, no, hole);
}

void
field_stop(struct field *f, int64_t within_ns, void (*done)(void *arg), void *arg)
{
	f->stopping = true;
	f->stopped = done;
	f->stopped_arg = arg;
	ask_end_all(f, "penstock is being stopped");
	for (uint32_t i = 0; i < f->nlinks; i++)
		for (uint32_t k = 0; k < f->links[i]->sources.n; k++)
			feed_halt(f->links[i]->feeds[k]);
	for (uint32_t i = 0; i < f->nlinks; i++)
		if (link_is_own(f->links[i]))
			link_own_leave(f->links[i]);
	int64_t wait = f->running == 0 ? 0 : within_ns < FIELD_STOP_NS ? within_ns : FIELD_STOP_NS;
	deadline_set(&f->deadlines, &f->stop_deadline, mono_add(mono_now(), wait));
}

void
field_set_batch_max(struct field *f, size_t bytes)
{
	f->batch_max = bytes;
}

static void
free_handle(uv_handle_t *h)
{
	free(h);
}

static int
open_timer(struct field *f)
{
	int err = timer_open(&f->timer_fd);

	if (err != 0)
		return err;
	f->timer = calloc(1, sizeof *f->timer);
	f->prepare = calloc(1, sizeof *f->prepare);
	if (f->timer == NULL || f->prepare == NULL)
		fatal("out_of_memory", "what=loop");
	uv_poll_init(f->loop, f->timer, f->timer_fd);
	f->timer->data = f;
	uv_poll_start(f->timer, UV_READABLE, on_timer);
	uv_prepare_init(f->loop, f->prepare);
	f->prepare->data = f;
	uv_prepare_start(f->prepare, on_prepare);
	return 0;
}

int
field_new(const struct field_config *config, struct field **out)
{
	struct field *f = calloc(1, sizeof *f);

	if (f == NULL)
		return ERR_NOMEM;
	f->loop = config->loop;
	f->out = config->out;
	f->batch_max = config->batch_max > 0 ? config->batch_max : SIZE_MAX;
	f->stats = config->stats;
	f->driver = config->driver != NULL ? config->driver : driver_find;
	f->connects_max = config->connects_max > 0 ? config->connects_max : FIELD_CONNECTS_MAX;
	f->retry_min_ns = config->retry_min_ns > 0 ? config->retry_min_ns : LINK_RETRY_MIN_NS;
	f->retry_max_ns = config->retry_max_ns > 0 ? config->retry_max_ns : LINK_RETRY_MAX_NS;
	f->read_ns = config->read_ns > 0 ? config->read_ns : ASK_READ_NS;
	f->armed = MONO_NEVER;
	f->emit_deadline.fire = emits_due;
	f->figures_deadline.fire = figures_due;
	f->stop_deadline.fire = stop_due;
	f->figures = stats_object(f->stats, STATS_field, "field");
	f->offset_ns = wall_now().ns - mono_now().ns;
	int err = open_timer(f);
	if (err != 0) {
		free(f);
		return err;
	}
	deadline_set(&f->deadlines, &f->figures_deadline, mono_add(mono_now(), NS_PER_S));
	*out = f;
	return 0;
}

void
field_free(struct field *f)
{
	if (f == NULL)
		return;
	ask_end_all(f, "penstock is being stopped");
	order_end_all(f);
	for (uint32_t i = 0; i < f->nlinks; i++)
		link_free(f->links[i]);
	free(f->links);
	uv_close((uv_handle_t *)f->timer, free_handle);
	uv_close((uv_handle_t *)f->prepare, free_handle);
	stream_close(f->timer_fd);
	deadlines_fini(&f->deadlines);
	free(f);
}
