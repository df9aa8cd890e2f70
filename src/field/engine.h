/*
 * Inside the scan engine: who owns whom.
 *
 *	field ── links, one a connection ── driver context
 *	            └── feeds, one a source: health, scans, last values, figures
 *
 * A link and its feeds live from the plan that first names them until one that does not. Each has a copy of its
 * sources, since drivers hold on to them and the plan is gone once it is applied.
 *
 * Driver calls do not nest: host callbacks only take notes (samples into batches, what to do into todo bits) and
 * link_leave() acts on them after the driver has returned.
 */
#ifndef FIELD_ENGINE_H
#define FIELD_ENGINE_H

#include "base/map.h"
#include "field/deadline.h"
#include "field/emit.h"
#include "field/field.h"
#include "field/hist.h"

#define FIELD_READ_MAX	(64u << 10)	/* bytes taken from a connection at once */

struct link;
struct feed;
struct ask;
struct carry;

struct link_queue {	/* links that wait for their turn to connect */
	struct link	*head, *tail;
};

struct field {
	uv_loop_t		*loop;
	struct field_out	 out;
	size_t			 batch_max;
	struct stats		*stats;
	const struct driver	*(*driver)(const char *name);

	/* One kernel timer for all deadlines. */
	uv_poll_t		*timer;
	uv_prepare_t		*prepare;
	int			 timer_fd;
	struct mono		 armed;		/* the kernel timer's deadline; MONO_NEVER: has fired */
	struct deadlines	 deadlines;

	struct emit_queue	 emits;
	struct deadline		 emit_deadline, figures_deadline, stop_deadline;

	struct link		**links;
	uint32_t		 nlinks;
	uint32_t		 connecting, connects_max;
	int64_t			 retry_min_ns, retry_max_ns, read_ns;
	struct link_queue	 connect_queue;

	/* When the driver call under way began: good enough for all that it brings. */
	struct mono		 now;
	int64_t			 offset_ns;	/* wall - mono, when last looked at */
	uint64_t		 clock_steps, batches, samples;
	stat_t			*figures;

	bool			 stopping;
	uint32_t		 running;	/* scans under way */
	void			(*stopped)(void *arg);
	void			*stopped_arg;

	uint32_t		 next_ask;
	struct ask		*asks;
	struct carry		*carries;	/* orders under way, order.c */
	uint64_t		 last_order;	/* highest number seen */
	uint8_t			 in[FIELD_READ_MAX];
};

#define CONTAINER(p, type, member) ((type *)(void *)((char *)(p) - offsetof(type, member)))

/* Both clocks, also into f->now; a step of the wall clock is noticed here and marked on all feeds. */
struct mono field_now(struct field *f, struct wall *wall);
/* A batch leaves. */
void field_emit(struct field *f, const struct batch_head *head, const struct sample *samples, const void *blob);
/* A scan ended or began. */
void field_scan_ended(struct field *f);
/* Batches wait: see to it that they leave in time. */
void field_watch_emits(struct field *f);

/* Once a second. */
void figures_due(struct deadline *d, struct mono now);
/* A new plan: the status page starts afresh. */
void field_reset_figures(struct field *f);


#endif
