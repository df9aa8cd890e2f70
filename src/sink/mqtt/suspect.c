/* See suspect.h. */
#include "sink/mqtt/suspect.h"

#include <stddef.h>

void
suspect_answered(struct suspect *s)
{
	*s = (struct suspect){ .lost = s->lost, .lost_stream = s->lost_stream, .lost_number = s->lost_number };
}

void
suspect_lost(struct suspect *s, const void *stream, uint64_t number)
{
	if (s->lost++ > 0)
		return;
	s->lost_stream = stream;
	s->lost_number = number;
}

void
suspect_fell(struct suspect *s, bool blame)
{
	unsigned lost = s->lost, row = s->in_row < SUSPECT_DOUBLINGS ? s->in_row : SUSPECT_DOUBLINGS;

	s->lost = 0;
	if (!blame || lost == 0)
		return;
	s->alone = true;
	if (lost > 1)
		return;
	if (s->stream != s->lost_stream || s->number != s->lost_number) {
		s->stream = s->lost_stream;
		s->number = s->lost_number;
		s->strikes = 0;
	}
	s->strikes++;
	s->sentenced = s->strikes >= SUSPECT_STRIKES << row;
}

bool
suspect_take(struct suspect *s, const void *stream, uint64_t first, uint64_t last)
{
	if (!s->sentenced || s->stream != stream || s->number < first || s->number > last)
		return false;
	s->sentenced = false;
	s->strikes = 0;
	s->in_row++;
	return true;
}

void
suspect_forget(struct suspect *s, const void *stream)
{
	if (s->stream != stream)
		return;
	s->stream = NULL;
	s->strikes = 0;
	s->sentenced = false;
}
