/*
 * Whose turn it is. Sources with work stand in a list in the order in which their work became due; each gets one
 * request and goes to the end, so a unit with many blocks holds up its neighbours by one request at a time. A source
 * that must pause (request-gap, repetition, a reply that may still come) is passed over. Probes of demoted sources have
 * a list of their own that is served last.
 */
#include "driver/modbus/modbus.h"

static bool
has_work(const struct mb_src *s)
{
	return (s->w_count > 0 && !s->w_flight) || (s->read.active && !s->read.flight) || s->q_head != MB_NONE;
}

static bool has_probe(const struct mb_src *s) { return s->probe_class != MB_NONE && !s->probe_flight; }

bool
mb_wants_turn(const struct mb_src *s)
{
	return has_work(s) || has_probe(s);
}

static void
append(struct mb_link *l, struct mb_src *s, enum mb_list list)
{
	uint32_t *head = list == MB_LIST_WORK ? &l->work_head : &l->probe_head;
	uint32_t *tail = list == MB_LIST_WORK ? &l->work_tail : &l->probe_tail;

	s->listed = list;
	s->next = MB_NONE;
	if (*head == MB_NONE)
		*head = s->index;
	else
		l->src[*tail].next = s->index;
	*tail = s->index;
}

static void
unlist(struct mb_link *l, struct mb_src *s)
{
	uint32_t *head = s->listed == MB_LIST_WORK ? &l->work_head : &l->probe_head;
	uint32_t *tail = s->listed == MB_LIST_WORK ? &l->work_tail : &l->probe_tail;
	uint32_t before = MB_NONE, i = *head;

	while (i != s->index) {
		before = i;
		i = l->src[i].next;
	}
	if (before == MB_NONE)
		*head = s->next;
	else
		l->src[before].next = s->next;
	if (*tail == s->index)
		*tail = before;
	s->listed = MB_UNLISTED;
}

void
mb_enlist(struct mb_link *l, struct mb_src *s)
{
	enum mb_list want = has_work(s) ? MB_LIST_WORK : has_probe(s) ? MB_LIST_PROBE : MB_UNLISTED;

	if (s->listed == want || (s->listed == MB_LIST_WORK && want != MB_UNLISTED))
		return;
	if (s->listed != MB_UNLISTED)
		unlist(l, s);
	if (want != MB_UNLISTED)
		append(l, s, want);
}

static struct mb_src *
first_ready(struct mb_link *l, uint32_t i)
{
	while (i != MB_NONE && mono_before(l->now, l->src[i].not_before))
		i = l->src[i].next;
	return i != MB_NONE ? &l->src[i] : NULL;
}

struct mb_src *
mb_turn(struct mb_link *l)
{
	struct mb_src *probe = first_ready(l, l->probe_head), *work = first_ready(l, l->work_head);

	if (work == NULL || (probe != NULL && mono_diff(l->now, probe->probe_since) > MB_PROBE_WAIT_NS))
		return probe;
	return work;
}

void
mb_turn_taken(struct mb_link *l, struct mb_src *s)
{
	unlist(l, s);
	mb_enlist(l, s);
}
