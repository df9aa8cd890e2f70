/* See suspect.h. */
#include "sink/suspect.h"

static struct suspect *
find(struct suspects *s, const void *stream)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->s[i].stream == stream)
			return &s->s[i];
	return NULL;
}

static void
clear(struct suspects *s, struct suspect *one)
{
	*one = s->s[--s->n];
}

void
suspects_answered(struct suspects *s, const void *stream, uint64_t number)
{
	struct suspect *one = find(s, stream);

	if (one != NULL && number >= one->number)
		clear(s, one);
	s->in_row = 0;
	if (s->probation > 0)
		s->probation--;
}

void
suspects_lost(struct suspects *s, const void *stream, uint64_t number)
{
	if (s->lost++ > 0)
		return;
	s->lost_stream = stream;
	s->lost_number = number;
}

static void
strike(struct suspects *s)
{
	unsigned row = s->in_row < SUSPECT_DOUBLINGS ? s->in_row : SUSPECT_DOUBLINGS;
	struct suspect *one = find(s, s->lost_stream);

	if (one == NULL && s->n == SUSPECTS_MAX)
		return;		/* its turn comes when another one is decided */
	if (one == NULL || one->number != s->lost_number) {
		one = one != NULL ? one : &s->s[s->n++];
		*one = (struct suspect){ .stream = s->lost_stream, .number = s->lost_number };
	}
	one->strikes++;
	one->sentenced = one->strikes >= SUSPECT_STRIKES << row;
}

void
suspects_fell(struct suspects *s, bool blame)
{
	unsigned lost = s->lost;

	s->lost = 0;
	if (!blame || lost == 0)
		return;
	if (lost == 1)
		strike(s);
	else if (s->probation < lost)
		s->probation = lost;
}

unsigned
suspects_take(struct suspects *s, const void *stream, uint64_t first, uint64_t last)
{
	struct suspect *one = find(s, stream);

	if (one == NULL || !one->sentenced || one->number < first || one->number > last)
		return 0;
	unsigned strikes = one->strikes;
	clear(s, one);
	s->in_row++;
	if (s->probation == 0)
		s->probation = 1;
	return strikes;
}

void
suspects_forget(struct suspects *s, const void *stream)
{
	struct suspect *one = find(s, stream);
	if (one != NULL)
		clear(s, one);
}
