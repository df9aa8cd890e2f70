/* See try.h. A plan of one source with tags on demand only, an engine for it, one read. */
#include "field/try.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/apply.h"
#include "field/ask.h"
#include "field/feed.h"
#include "os/clock.h"

#define LOOK_MS 5	/* how often the state of the connection is looked at */

struct attempt {
	uv_loop_t		 loop;
	struct field		*field;
	struct try_result	*out;
	uint32_t		 n;
	bool			 asked, ended;
	struct mono		 deadline;
	char			 names[TRY_TAGS_MAX][8];	/* paths of the tags; sorted as their numbers */
};

static void
on_batch(void *arg, const struct batch_head *head, const struct sample *samples, const void *blob)
{
	struct attempt *a = arg;

	for (uint32_t i = 0; i < head->n; i++) {
		struct sample s = samples[i];
		if ((s.flags & SAMPLE_REREAD) == 0)
			continue;	/* made bad for want of a connection: that is said once, not by tag */
		if (value_has_bytes(s.v.type))
			s.v.p = (const uint8_t *)blob + s.v.u;
		struct try_value *v = &a->out->values[s.tag];
		struct json j = { .out = &v->text };
		v->given = true;
		v->status = s.status;
		buf_reset(&v->text);
		value_json(&j, &s.v);
	}
}

static bool no_line(void *arg, const char *text, size_t len) { (void)arg; (void)text; (void)len; return true; }
static void on_end(void *arg) { ((struct attempt *)arg)->ended = true; }

static struct plan *
make_plan(struct attempt *a, const struct try_device *d, const char *const *at, uint32_t n)
{
	struct plan *p = plan_new();
	struct source *s = arena_new(&p->arena, struct source);

	*s = (struct source){ .name = "device", .driver = d->driver->info.name, .key = 1, .ntags = n };
	s->place.file = "";
	s->endpoint = s->link = arena_strdup(&p->arena, d->link);
	s->nkeys = (uint32_t)key_count(d->driver->info.keys);
	s->keys = arena_array(&p->arena, s->nkeys, sizeof *s->keys);
	memcpy(s->keys, d->keys, s->nkeys * sizeof *s->keys);
	s->tags = arena_array(&p->arena, n, sizeof *s->tags);
	for (uint32_t i = 0; i < n; i++) {
		struct at_info info = { 0 };
		char why[256];
		snprintf(a->names[i], sizeof a->names[i], "%04u", i % 10000);
		s->tags[i] = (struct tag){ .path = arena_strdup(&p->arena, a->names[i]),
			.at = arena_strdup(&p->arena, at[i]), .unit = "",
			.help = "", .factor = 1, .index = i };
		if (d->driver->info.parse_at(at[i], s->keys, &info, why, sizeof why) == 0)
			s->tags[i].type = info.type;
	}
	p->sources = s;
	p->nsources = 1;
	p->tags = s->tags;
	p->ntags = n;
	return p;
}

static void
look(uv_timer_t *t)
{
	struct attempt *a = t->data;
	struct link *l = a->field->links[0];
	const char *paths[TRY_TAGS_MAX];
	struct ask_to to = { .arg = a, .line = no_line, .end = on_end };

	if (l->state == LINK_UP && !a->asked) {
		a->asked = true;
		a->out->connected = true;
		for (uint32_t i = 0; i < a->n; i++)
			paths[i] = a->names[i];
		ask_read(a->field, &to, (int)a->n, paths);
	}
	if (l->state == LINK_WAITING && !a->out->connected)
		a->ended = true;
	if (l->state == LINK_WAITING && a->out->cause[0] == '\0')
		snprintf(a->out->cause, sizeof a->out->cause, "%s", l->cause);
	if (a->ended || mono_before(a->deadline, mono_now()))
		uv_stop(&a->loop);
}

/* What the driver knows of those that are not good. */
static void
take_reasons(struct attempt *a)
{
	struct link *l = a->field->links[0];

	a->out->answered = l->feeds[0]->health.answered;
	for (uint32_t i = 0; i < a->n; i++) {
		struct try_value *v = &a->out->values[i];
		if (v->given && status_is_good(v->status))
			continue;
		struct json j = { .out = &v->why };
		json_open(&j, '{');
		l->driver->why(l->ctx, 0, i, &j);
		json_close(&j, '}');
	}
}

static const struct driver *the_driver;
static const struct driver *only_driver(const char *name) { (void)name; return the_driver; }

static int
run(struct attempt *a, const struct try_device *d, const char *const *at, int64_t timeout_ns)
{
	struct field_config config = { .loop = &a->loop, .out = { .arg = a, .batch = on_batch }, .driver = only_driver,
		.read_ns = timeout_ns };
	uv_timer_t timer;
	int err = field_new(&config, &a->field);

	the_driver = d->driver;
	if (err != 0)
		return err;
	err = field_apply(a->field, make_plan(a, d, at, a->n));
	if (err == 0) {
		uv_timer_init(&a->loop, &timer);
		timer.data = a;
		uv_timer_start(&timer, look, LOOK_MS, LOOK_MS);
		uv_run(&a->loop, UV_RUN_DEFAULT);
		uv_close((uv_handle_t *)&timer, NULL);
		if (a->out->connected)
			take_reasons(a);
		else
			err = ERR_CONN;
	}
	field_free(a->field);
	return err;
}

int
try_read(const struct try_device *d, const char *const *at, uint32_t n, int64_t timeout_ns, struct try_result *out)
{
	struct attempt *a = calloc(1, sizeof *a);

	*out = (struct try_result){ 0 };
	if (n > TRY_TAGS_MAX || a == NULL) {
		free(a);
		return a == NULL ? ERR_NOMEM : ERR_LIMIT;
	}
	a->out = out;
	a->n = n;
	a->deadline = mono_add(mono_now(), timeout_ns);
	int err = uv_loop_init(&a->loop) != 0 ? ERR_NOMEM : 0;
	if (err == 0) {
		err = run(a, d, at, timeout_ns);
		uv_run(&a->loop, UV_RUN_DEFAULT);
		uv_loop_close(&a->loop);
	}
	free(a);
	return err;
}

void
try_fini(struct try_result *r)
{
	for (uint32_t i = 0; i < TRY_TAGS_MAX; i++) {
		buf_fini(&r->values[i].text);
		buf_fini(&r->values[i].why);
	}
}
