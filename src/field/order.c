/* See order.h. */
#include "field/order.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "field/link.h"
#include "os/clock.h"
#include "os/stream.h"

#define SAME		1e-6	/* relative: what a float32 keeps of a value */
#define TEXT_MAX	(REQUEST_NOTE_MAX + 1)

enum phase { PHASE_WRITING, PHASE_PAUSE, PHASE_READING };

struct carry {
	struct carry	*next;
	struct field	*field;
	struct feed	*feed;		/* NULL: it has left the plan */
	struct arena	 memory;
	struct order	 o;
	enum phase	 phase;
	bool		 begun;		/* the driver's first call has returned */
	bool		 ended;
	uint32_t	 id;		/* that the driver knows the call under way by */
	uint32_t	 readback;	/* tag */
	bool		 reads;		/* it has one */
	bool		 confirmed;	/* by the device */
	bool		 taken_back;	/* its deadline has been acted upon */
	struct mono	 until;		/* of reading back */
	struct deadline	 timer;
	struct value	 seen;		/* read back last; VALUE_NULL: nothing good yet */
	struct value	*results;
	uint32_t	 nresults;
	char		 why[TEXT_MAX];	/* of a write that was not confirmed */
	request_done	*done;
	void		*arg;
};

static struct carry *
by_id(struct field *f, uint32_t id)
{
	for (struct carry *c = f->carries; c != NULL; c = c->next)
		if (c->id == id && !c->ended)
			return c;
	return NULL;
}

static void
end(struct carry *c, enum request_state state, const char *code, const char *text)
{
	struct request_result res = { .id = c->o.id, .state = state, .code = code, .text = text, .readback = c->seen,
	    .results = c->results,
	    .nresults = c->nresults };
	struct carry **at = &c->field->carries;

	c->ended = true;
	deadline_clear(&c->field->deadlines, &c->timer);
	log_info("order_ended", "request=%llu source=\"%s\" state=%s code=%s", (unsigned long long)c->o.id, c->o.source,
	    request_state_name(state), *code != '\0' ? code : "-");
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->done(c->arg, &res);
	if (!c->begun)		/* within its first driver call: freed by who made it */
		return;
	arena_fini(&c->memory);
	free(c);
}

/* One that never became an order: nothing was begun. */
static void
refuse(const struct order *o, request_done *done, void *arg, enum request_state state, const char *code,
    const char *text)
{
	struct request_result res = { .id = o->id, .state = state, .code = code, .text = text };

	log_info("order_ended", "request=%llu source=\"%s\" state=%s code=%s", (unsigned long long)o->id, o->source,
	    request_state_name(state), code);
	done(arg, &res);
}

/* ---- reading back ---- */

static bool fraction(const struct value *v) { return v->type == VALUE_F32 || v->type == VALUE_F64; }

/* Whole numbers are the same or not; a fraction may have come through a float32. */
static bool
same(const struct carry *c, const struct value *is)
{
	const struct value *want = &c->o.ask.args[0];
	double a, b, slack = fraction(want) || fraction(is) ? SAME : 0;

	if (want->type == VALUE_TEXT || is->type == VALUE_TEXT)
		return value_equal(want, is);
	return value_as_f64(want, &a) && value_as_f64(is, &b) && fabs(a - b) <= c->o.tolerance + slack * fabs(a);
}

static void
read_over(struct carry *c)
{
	char text[TEXT_MAX + 200];
	struct buf is = { 0 };

	value_print(&is, &c->seen);
	if (c->seen.type != VALUE_NULL)
		snprintf(text, sizeof text, "%s, but reading back gives %.100s", c->confirmed ?
		    "the device has confirmed it" : c->why,
		    buf_text(&is));
	else
		snprintf(text, sizeof text, "%s, and it could not be read back in time", c->confirmed ?
		    "the device has confirmed it" : c->why);
	text[REQUEST_NOTE_MAX] = '\0';
	buf_fini(&is);
	end(c, REQUEST_UNKNOWN, c->confirmed ? "readback" : "unconfirmed", text);
}

static void
pause_reading(struct carry *c)
{
	struct mono now = mono_now();

	if (!mono_before(now, c->until)) {
		read_over(c);
		return;
	}
	c->phase = PHASE_PAUSE;
	deadline_set(&c->field->deadlines, &c->timer, mono_min(c->until, mono_add(now, ORDER_READ_PAUSE_NS)));
}

static void
start_reading(struct carry *c)
{
	struct wall wall;
	struct feed *f = c->feed;

	if (f == NULL || f->link->state != LINK_UP || !mono_before(mono_now(), c->until)) {
		pause_reading(c);
		return;
	}
	struct mono now = field_now(c->field, &wall);
	struct link *l = f->link;
	uint32_t id = c->id = ++c->field->next_ask;
	struct field *field = c->field;
	c->phase = PHASE_READING;
	deadline_set(&field->deadlines, &c->timer, c->until);
	link_enter(l);
	int err = l->driver->read(l->ctx, f->no, &c->readback, 1, id, now);
	link_leave(l);
	if (err != 0 && (c = by_id(field, id)) != NULL)
		pause_reading(c);
}

void
order_sample(struct feed *f, const struct sample *s)
{
	for (struct carry *c = f->field->carries; c != NULL; c = c->next)
		if (c->feed == f && c->phase == PHASE_READING && c->readback == s->tag && status_is_good(s->status)) {
			c->seen = s->v;
			if (value_has_bytes(s->v.type))
				c->seen.p = arena_strndup(&c->memory, s->v.p, s->v.len);
		}
}

static void
read_done(struct carry *c)
{
	if (c->seen.type == VALUE_NULL || !same(c, &c->seen))
		pause_reading(c);
	else if (c->confirmed)
		end(c, REQUEST_APPLIED, "", "the device has it, read back");
	else
		end(c, REQUEST_APPLIED, "", "no confirmation came, but the device has the value, read back");
}

/* ---- writing ---- */

/* The device is as it was; see driver/driver.h. */
static bool
nothing_happened(int err)
{
	return err == ERR_DENIED || err == ERR_EXPIRED || err == ERR_TYPE || err == ERR_RANGE || err == ERR_BUSY ||
	    err == ERR_NOTFOUND;
}

static void
write_done(struct carry *c, int err, const char *why)
{
	const char *text = why != NULL && *why != '\0' ? why : err_text(err);

	if (err == ERR_EXPIRED) {
		end(c, REQUEST_EXPIRED, "late", "its time was over before it could be sent");
		return;
	}
	if (nothing_happened(err)) {
		end(c, REQUEST_REFUSED, "device", text);
		return;
	}
	c->confirmed = err == 0;
	snprintf(c->why, sizeof c->why, "%.400s", text);
	if (c->reads) {
		c->until = mono_add(mono_now(), c->o.within_ns);
		c->phase = PHASE_PAUSE;
		/* From the loop: this is within a driver call. */
		deadline_set(&c->field->deadlines, &c->timer, mono_now());
	} else if (c->confirmed)
		end(c, REQUEST_APPLIED, "", "the device has confirmed it");
	else
		end(c, REQUEST_UNKNOWN, "unconfirmed", c->why);
}

bool
order_done(struct field *f, uint32_t id, int err, const char *why)
{
	struct carry *c = by_id(f, id);

	if (c == NULL)
		return false;
	if (c->phase == PHASE_WRITING)
		write_done(c, err, why);
	else if (c->phase == PHASE_READING)
		read_done(c);
	return true;
}

void
order_result(struct field *f, uint32_t id, uint32_t i, const struct value *v)
{
	struct carry *c = by_id(f, id);

	if (c == NULL || i >= REQUEST_ARGS_MAX)
		return;
	if (c->results == NULL)
		c->results = arena_array(&c->memory, REQUEST_ARGS_MAX, sizeof *c->results);
	c->results[i] = *v;
	if (value_has_bytes(v->type))
		c->results[i].p = arena_strndup(&c->memory, v->p, v->len);
	c->nresults = i + 1 > c->nresults ? i + 1 : c->nresults;
}

struct mono
order_deadline(struct field *f, uint32_t id)
{
	const struct carry *c = by_id(f, id);
	int64_t left = c != NULL ? mono_diff(c->o.deadline, boot_now()) : 0;

	/*
	 * The driver's own `now` may be as old as its call: what is over is over by any clock. One that has ended, and
	 * still stands in the driver's queue, may not leave either.
	 */
	return c == NULL || left <= 0 ? (struct mono){ 0 } : mono_add(mono_now(), left);
}

/* Its time is over and it has not ended: what of it has not reached the far kernel yet never shall. */
static void
take_back(struct carry *c)
{
	struct link *l = c->feed != NULL ? c->feed->link : NULL;

	c->taken_back = true;
	deadline_set(&c->field->deadlines, &c->timer, mono_add(mono_now(), ORDER_ANSWER_NS));
	if (l == NULL || l->state != LINK_UP || l->spec.kind == LINK_OWN || l->wire == NULL ||
	    (l->out.p == NULL && stream_unsent(l->wire->fd) == 0))
		return;
	link_enter(l);
	stream_abort(l->wire->fd);
	link_break(l, "a write was still on its way when its time was over", -1);
	link_leave(l);
}

bool
order_overdue(const struct link *l)
{
	for (const struct carry *c = l->field->carries; c != NULL; c = c->next)
		if (c->feed != NULL && c->feed->link == l && c->phase == PHASE_WRITING && !c->taken_back &&
		    !mono_before(boot_now(), c->o.deadline))
			return true;
	return false;
}

static void
on_timer(struct deadline *d, struct mono now)
{
	struct carry *c = CONTAINER(d, struct carry, timer);
	struct mono boot = boot_now();

	(void)now;
	if (c->phase == PHASE_PAUSE)
		start_reading(c);
	else if (c->phase == PHASE_READING)
		read_over(c);
	else if (mono_before(boot, c->o.deadline))	/* a little early */
		deadline_set(&c->field->deadlines, d, mono_add(mono_now(), mono_diff(c->o.deadline, boot)));
	else if (!c->taken_back)	/* however late: this process may have been stopped for long */
		take_back(c);
	else
		end(c, REQUEST_UNKNOWN, "silent", "the driver does not say what became of it");
}

static void
copy_order(struct carry *c, const struct order *o)
{
	struct value *v = arena_array(&c->memory, o->ask.nargs + 1, sizeof *v);

	c->o = *o;
	c->o.source = arena_strdup(&c->memory, o->source);
	for (uint32_t i = 0; i < o->ask.nargs; i++) {
		v[i] = o->ask.args[i];
		if (value_has_bytes(v[i].type))
			v[i].p = arena_strndup(&c->memory, v[i].p, v[i].len);
	}
	c->o.ask.args = v;
}

/* Hand it to the driver. */
static void
begin(struct carry *c, const struct order *o, uint32_t tag)
{
	struct feed *f = c->feed;
	struct link *l = f->link;
	struct wall wall;
	struct mono now = field_now(c->field, &wall);
	int err;

	c->id = ++c->field->next_ask;
	c->timer.fire = on_timer;
	deadline_set(&c->field->deadlines, &c->timer, mono_add(mono_now(), mono_diff(o->deadline, boot_now())));
	link_enter(l);
	if (o->ask.kind == REQUEST_WRITE)
		err = l->driver->write(l->ctx, f->no, tag, &c->o.ask.args[0], c->id, now);
	else if (o->ask.kind == REQUEST_CALL)
		err = l->driver->call(l->ctx, f->no, o->ask.method, c->o.ask.args, c->o.ask.nargs, c->id, now);
	else
		err = l->driver->ack(l->ctx, f->no, tag, o->ask.event, o->ask.note, c->id, now);
	link_leave(l);
	c->begun = true;
	if (c->ended) {
		arena_fini(&c->memory);
		free(c);
	} else if (err != 0)	/* at once: nothing was sent */
		end(c, err == ERR_EXPIRED ? REQUEST_EXPIRED : REQUEST_REFUSED, err == ERR_EXPIRED ? "late" : "device",
		    err == ERR_BUSY || err == ERR_FULL ? "the source is busy with requests before it: ask again" :
		    err == ERR_RANGE ? "the device cannot hold this value exactly: it is out of its range, or between "
		        "two of its steps" :
		    err_text(err));
}

static struct feed *
feed_of(struct field *f, const struct order *o)
{
	for (uint32_t i = 0; i < f->nlinks; i++)
		for (uint32_t k = 0; k < f->links[i]->sources.n; k++)
			if (strcmp(f->links[i]->feeds[k]->source->name, o->source) == 0)
				return f->links[i]->feeds[k];
	return NULL;
}

static const char *
able(const struct driver *d, const struct order *o, const struct tag *tag)
{
	if (o->ask.kind != REQUEST_CALL && tag == NULL)
		return "the source has no such tag";
	if (o->ask.kind == REQUEST_WRITE)
		return d->write == NULL || o->ask.nargs != 1 ? "the driver cannot write" : !tag->writable ?
		    "the tag is not writable" : NULL;
	if (o->ask.kind == REQUEST_CALL)
		return d->call == NULL ? "the driver cannot call methods" : NULL;
	return d->ack == NULL ? "the driver cannot acknowledge events" : NULL;
}

void
order_take(struct field *f, const struct order *o, request_done *done, void *arg)
{
	struct feed *feed = feed_of(f, o);
	char text[300];
	uint32_t n = 0;

	if (o->id <= f->last_order) {
		refuse(o, done, arg, REQUEST_REFUSED, "repeated", "this order was seen before; nothing is done twice");
		return;
	}
	f->last_order = o->id;
	for (struct carry *c = f->carries; c != NULL; c = c->next)
		n++;
	if (!mono_before(boot_now(), o->deadline)) {
		refuse(o, done, arg, REQUEST_EXPIRED, "late",
		    "its time was over when the process that speaks to the device came to it");
		return;
	}
	if (feed == NULL || feed->source->key != o->source_key) {
		refuse(o, done, arg, REQUEST_REFUSED, "plan",
		    "the source has changed since this was judged: ask again");
		return;
	}
	const struct tag *tag = *o->tag != '\0' ? source_tag(feed->source, o->tag) : NULL;
	const struct tag *back = *o->readback_tag != '\0' ? source_tag(feed->source, o->readback_tag) : NULL;
	const struct link *l = feed->link;
	const char *no = able(l->driver, o, tag);
	if (no == NULL && (f->stopping || n >= ORDERS_MAX))
		no = f->stopping ? "penstock is being stopped" : "too many requests are under way: ask again";
	if (no == NULL && l->state != LINK_UP) {
		snprintf(text, sizeof text, "there is no connection to the device: %.200s", l->cause[0] != '\0' ?
		    l->cause : link_state_name(l->state));
		no = text;
	}
	if (no == NULL && health_demoted(&feed->health))
		no = "the device does not answer at present";
	if (no != NULL) {
		refuse(o, done, arg, REQUEST_REFUSED, "device", no);
		return;
	}
	struct carry *c = calloc(1, sizeof *c);
	if (c == NULL)
		fatal("out_of_memory", "what=order");
	copy_order(c, o);
	c->field = f;
	c->feed = feed;
	c->reads = back != NULL && o->ask.kind == REQUEST_WRITE;
	c->readback = back != NULL ? (uint32_t)(back - feed->source->tags) : 0;
	c->done = done;
	c->arg = arg;
	c->next = f->carries;
	f->carries = c;
	begin(c, o, tag != NULL ? (uint32_t)(tag - feed->source->tags) : 0);
}

void
order_feed_gone(struct feed *f)
{
	for (struct carry *c = f != NULL ? f->field->carries : NULL, *next; c != NULL; c = next) {
		next = c->next;
		if (c->feed == f)
			end(c, REQUEST_UNKNOWN, "plan", "the source left the plan before it was known what became of "
			    "it");
	}
}

void
order_end_all(struct field *f)
{
	while (f->carries != NULL)
		end(f->carries, REQUEST_UNKNOWN, "stopped", "penstock was stopped before it was known what became of "
		    "it");
}
