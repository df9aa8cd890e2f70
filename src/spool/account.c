/* See account.h. */
#include "spool/account.h"

#include <stdlib.h>


static struct account_sink *
find(const struct account *a, const char *name)
{
	for (uint32_t i = 0; i < a->nsinks; i++)
		if (strcmp(a->sinks[i].name, name) == 0)
			return (struct account_sink *)&a->sinks[i];
	return NULL;
}

/* The last number that a sink is owed. */
static uint64_t
top(const struct account *a, const struct account_sink *s)
{
	return s->active ? a->admitted : s->left_at;
}

/* Index of the first range that ends at or behind number n. */
static uint32_t
lower(const struct account_sink *s, uint64_t n)
{
	uint32_t lo = 0, hi = s->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (s->ranges[mid].last < n)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static uint64_t
later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* How many numbers of first..last stand in ranges; quarantined_only: in quarantine. */
static uint64_t
overlap(const struct account_sink *s, uint64_t first, uint64_t last, bool quarantined_only)
{
	uint64_t n = 0;

	for (uint32_t i = lower(s, first); i < s->n && s->ranges[i].first <= last; i++)
		if (!quarantined_only || s->ranges[i].quarantined)
			n += earlier(s->ranges[i].last, last) - later(s->ranges[i].first, first) + 1;
	return n;
}

static void
remove_range(struct account_sink *s, uint32_t i)
{
	memmove(&s->ranges[i], &s->ranges[i + 1], (--s->n - i) * sizeof s->ranges[0]);
}

/* Room was made by account_check(). The range overlaps none. */
static void
insert_range(struct account_sink *s, struct account_range r)
{
	uint32_t i = lower(s, r.first);

	if (i > 0 && s->ranges[i - 1].last + 1 == r.first && s->ranges[i - 1].quarantined == r.quarantined) {
		s->ranges[--i].last = r.last;
	} else {
		memmove(&s->ranges[i + 1], &s->ranges[i], (s->n++ - i) * sizeof s->ranges[0]);
		s->ranges[i] = r;
	}
	if (i + 1 < s->n && r.last + 1 == s->ranges[i + 1].first && s->ranges[i + 1].quarantined == r.quarantined) {
		s->ranges[i].last = s->ranges[i + 1].last;
		remove_range(s, i + 1);
	}
}

/* Everything below `to` is settled, and so is what follows without a hole. Settled ranges are forgotten on the way. */
static void
move_next(struct account_sink *s, uint64_t to)
{
	uint32_t i = lower(s, s->next);

	while (i < s->n && s->ranges[i].first <= to) {
		struct account_range *r = &s->ranges[i];
		s->ahead -= r->last - later(r->first, s->next) + 1;
		to = later(to, r->last + 1);
		if (r->quarantined)
			i++;
		else
			remove_range(s, i);
	}
	s->next = to;
}

/* Settle what is pending in first..last. Returns how much that was. */
static uint64_t
settle_pending(struct account_sink *s, uint64_t first, uint64_t last)
{
	uint64_t n = 0;

	first = later(first, s->next);
	while (first <= last) {
		uint32_t i = lower(s, first);
		if (i < s->n && s->ranges[i].first <= first) {
			first = s->ranges[i].last + 1;
			continue;
		}
		uint64_t end = i < s->n ? earlier(last, s->ranges[i].first - 1) : last;
		insert_range(s, (struct account_range){ first, end, false });
		s->ahead += end - first + 1;
		n += end - first + 1;
		first = end + 1;
	}
	move_next(s, s->next);
	return n;
}

/* Take first..last out of quarantine; it is known to be in there. */
static void
unquarantine(struct account_sink *s, uint64_t first, uint64_t last)
{
	s->quarantined -= last - first + 1;
	/* Ends: first grows with every turn. */
	for (uint32_t i = lower(s, first); i < s->n && s->ranges[i].first <= last; i = lower(s, first)) {
		struct account_range r = s->ranges[i];
		uint64_t from = later(r.first, first), to = earlier(r.last, last);
		remove_range(s, i);
		if (r.first < from)
			insert_range(s, (struct account_range){ r.first, from - 1, true });
		if (to < r.last)
			insert_range(s, (struct account_range){ to + 1, r.last, true });
		if (to >= s->next)	/* still ahead of what is pending, so it must be remembered */
			insert_range(s, (struct account_range){ later(from, s->next), to, false });
		if (to >= last)
			return;
		first = to + 1;
	}
}

/* ---- may it be? ---- */

int
account_room(struct account_sink *s, uint32_t more)
{
	if (s->cap - s->n >= more)
		return 0;
	/* The pieces between ranges in quarantine come on top. */
	if (s->n + more > 4 * ACCOUNT_RANGES_MAX)
		return ERR_LIMIT;
	uint32_t cap = s->cap == 0 ? 16 : s->cap * 2;
	while (cap < s->n + more)
		cap *= 2;
	struct account_range *p = realloc(s->ranges, cap * sizeof *p);
	if (p == NULL)
		return ERR_NOMEM;
	s->ranges = p;
	s->cap = cap;
	return 0;
}

/*
 * What is reported of one sink, in however small pieces, leaves room for what concerns all of them: to settle everything takes at
 * most as many ranges again as there are.
 */
static int
report_room(struct account_sink *s, uint32_t more)
{
	return s->n + more > 2 * ACCOUNT_RANGES_MAX - 2 ? ERR_LIMIT : account_room(s, more);
}

static int
check_join(const struct account *a, const struct ledger_entry *e, const struct account_sink *s)
{
	if (e->sink[0] == '\0' || strlen(e->sink) >= sizeof s->name)
		return ERR_LIMIT;
	if (s == NULL && a->nsinks == LEDGER_SINKS_MAX)
		return ERR_LIMIT;
	if (s != NULL && s->active)
		return ERR_EXISTS;
	if (e->first == 0 || e->first > a->admitted + 1 || (s != NULL && e->first <= s->left_at))
		return ERR_RANGE;
	return 0;
}

/* Settling a range may split into as many pieces as there are ranges inside it. */
static int
check_drop(struct account *a, const struct ledger_entry *e)
{
	if (e->first == 0 || e->last < e->first || e->last > a->admitted)
		return ERR_RANGE;
	if (e->sink[0] != '\0' && find(a, e->sink) == NULL)
		return ERR_NOTFOUND;
	for (uint32_t i = 0; i < a->nsinks; i++) {
		struct account_sink *s = &a->sinks[i];
		if (e->sink[0] != '\0' && strcmp(s->name, e->sink) != 0)
			continue;
		/*
		 * What lies between two ranges merges with neither only if both are in quarantine; at most one more
		 * than there are.
		 */
		uint32_t inside = lower(s, e->last) - lower(s, e->first) + 2;
		int err = e->sink[0] != '\0' ? report_room(s, inside) : account_room(s, inside);
		if (err != 0)
			return err;
	}
	return 0;
}

static int
check_sink_entry(struct account *a, const struct ledger_entry *e, struct account_sink *s)
{
	if (s == NULL)
		return ERR_NOTFOUND;
	if (e->kind == LEDGER_LEAVE)
		return !s->active || e->last > a->admitted || e->last + 1 < s->next ? ERR_RANGE
										    : account_room(s, s->n + 2);
	if (e->last > top(a, s))
		return ERR_RANGE;
	if (e->kind == LEDGER_DELIVERED)
		return !s->active || e->last + 1 < s->next ? ERR_RANGE : 0;
	if (e->first == 0 || e->first > e->last)
		return ERR_RANGE;
	if (e->kind == LEDGER_QUARANTINED && s->n >= ACCOUNT_RANGES_MAX)
		return ERR_LIMIT;
	if (e->kind == LEDGER_QUARANTINED)
		return e->first < s->next || overlap(s, e->first, e->last, false) != 0 ? ERR_RANGE : account_room(s, 1);
	return overlap(s, e->first, e->last, true) != e->last - e->first + 1 ? ERR_RANGE : report_room(s, 3);
}

int
account_check(struct account *a, const struct ledger_entry *e)
{
	switch (e->kind) {
	case LEDGER_OPEN:
	case LEDGER_SEAL:
	case LEDGER_LOST:
		return 0;
	case LEDGER_SINK:
		return check_join(a, e, find(a, e->sink));
	case LEDGER_DROPPED:
	case LEDGER_DAMAGED:
		return check_drop(a, e);
	case LEDGER_LEAVE:
	case LEDGER_DELIVERED:
	case LEDGER_QUARANTINED:
	case LEDGER_RELEASED:
	case LEDGER_DISCARDED:
		return check_sink_entry(a, e, find(a, e->sink));
	default:
		return ERR_TYPE;
	}
}

/* ---- let it be ---- */

static void
join(struct account *a, const struct ledger_entry *e)
{
	struct account_sink *s = find(a, e->sink);

	if (s == NULL) {
		s = &a->sinks[a->nsinks++];
		*s = (struct account_sink){ 0 };
		strcpy(s->name, e->sink);	/* checked: it fits */
	}
	s->active = true;
	s->owed_from = s->next = e->first;
}

static void
leave(struct account_sink *s, uint64_t last)
{
	s->dropped += settle_pending(s, s->next, last);
	s->active = false;
	s->left_at = last;
	s->owed_before += last + 1 - s->owed_from;
}

static void
drop(struct account *a, const struct ledger_entry *e)
{
	for (uint32_t i = 0; i < a->nsinks; i++) {
		struct account_sink *s = &a->sinks[i];
		if (!s->active || (e->sink[0] != '\0' && strcmp(s->name, e->sink) != 0))
			continue;
		uint64_t n = settle_pending(s, e->first, e->last);
		s->dropped += n;
		if (e->kind == LEDGER_DAMAGED)
			s->damaged += n;
	}
}

static void
quarantine(struct account_sink *s, uint64_t first, uint64_t last)
{
	insert_range(s, (struct account_range){ first, last, true });
	s->ahead += last - first + 1;
	s->quarantined += last - first + 1;
	move_next(s, s->next);
}

static void
deliver(struct account_sink *s, const struct ledger_entry *e)
{
	if (e->last >= s->next) {
		s->delivered += e->last + 1 - s->next - overlap(s, s->next, e->last, false);
		move_next(s, e->last + 1);
	}
	s->last_ack = e->when;
}

static void
seal(struct account *a, const struct ledger_entry *e)
{
	uint8_t hash[SPOOL_HASH] = { 0 };

	/* The note begins with the hash in hex, as ledger_seal() writes it. */
	for (size_t i = 0; i < 2 * SPOOL_HASH && e->note[i] != '\0'; i++) {
		char c = e->note[i];
		unsigned v = c >= '0' && c <= '9' ? (unsigned)(c - '0')
		    : c >= 'a' && c <= 'f'	  ? (unsigned)(c - 'a') + 10
						  : 0;
		hash[i / 2] = (uint8_t)((unsigned)hash[i / 2] << 4 | v);
	}
	if (e->last != a->seals[0].last)	/* else entered again, after a crash */
		a->seals[1] = a->seals[0];
	a->seals[0].last = e->last;
	memcpy(a->seals[0].hash, hash, sizeof hash);
}

void
account_apply(struct account *a, const struct ledger_entry *e)
{
	struct account_sink *s = find(a, e->sink);

	a->entries++;
	switch (e->kind) {
	case LEDGER_SINK:	join(a, e); break;
	case LEDGER_LEAVE:	leave(s, e->last); break;
	case LEDGER_DELIVERED:	deliver(s, e); break;
	case LEDGER_QUARANTINED: quarantine(s, e->first, e->last); break;
	case LEDGER_RELEASED:	s->delivered += e->last - e->first + 1; unquarantine(s, e->first, e->last); break;
	case LEDGER_DISCARDED:	s->dropped += e->last - e->first + 1; unquarantine(s, e->first, e->last); break;
	case LEDGER_DROPPED:
	case LEDGER_DAMAGED:	drop(a, e); break;
	case LEDGER_LOST:	a->lost += e->last; break;
	case LEDGER_SEAL:	seal(a, e); break;
	default:		break;
	}
}

uint64_t
account_shows(const struct ledger_entry *e)
{
	switch (e->kind) {
	case LEDGER_SINK:	return e->first > 0 ? e->first - 1 : 0;
	case LEDGER_OPEN:
	case LEDGER_LOST:	return 0;
	default:		return e->last;
	}
}

void
account_fini(struct account *a)
{
	for (uint32_t i = 0; i < a->nsinks; i++)
		free(a->sinks[i].ranges);
	*a = (struct account){ 0 };
}

uint64_t
account_settled(const struct account *a)
{
	uint64_t n = UINT64_MAX;

	for (uint32_t i = 0; i < a->nsinks; i++)
		if (a->sinks[i].active)
			n = earlier(n, a->sinks[i].next);
	return n;
}

void
account_export(const struct account *a, struct ledger_account *out)
{
	*out = (struct ledger_account){
		.admitted = a->admitted, .lost = a->lost, .entries = a->entries, .nsinks = a->nsinks
	};
	for (uint32_t i = 0; i < a->nsinks; i++) {
		const struct account_sink *s = &a->sinks[i];
		struct ledger_sink *o = &out->sinks[i];
		*o = (struct ledger_sink){ .owed_from = s->owed_from,
			.delivered = s->delivered,
			.quarantined = s->quarantined,
			.dropped = s->dropped,
			.damaged = s->damaged,
			.next = s->next,
			.last_ack = s->last_ack,
			.active = s->active };
		memcpy(o->name, s->name, sizeof o->name);
		o->pending = s->active ? a->admitted + 1 - s->next - s->ahead : 0;
		o->owed = s->owed_before + (s->active ? a->admitted + 1 - s->owed_from : 0);
	}
}

int64_t
ledger_balance(const struct ledger_sink *s)
{
	return (int64_t)(s->owed - s->delivered - s->pending - s->quarantined - s->dropped);
}
