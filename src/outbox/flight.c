/* What the poster has: copies of events, from the moment they are chosen until their verdict is in the file. */
#include <stdlib.h>
#include <string.h>

#include "outbox/inside.h"

#define TEXTS 13

static const char *
keep(char **at, const char *text)
{
	size_t n = strlen(text) + 1;
	char *p = *at;

	memcpy(p, text, n);
	*at += n;
	return p;
}

struct flight *
flight_new(sqlite3_stmt *s, enum call call, int64_t t, struct wall wall)
{
	struct outbox_item i;

	row_item(s, &i);
	const char **texts[TEXTS] = { &i.of.id, &i.of.event, &i.of.type, &i.of.key, &i.of.lane, &i.of.flow, &i.of.mapping, &i.of.body,
		&i.document, &i.code, &i.text, &i.target, &i.way };
	size_t n = 0;
	for (size_t k = 0; k < TEXTS; k++)
		n += strlen(*texts[k]) + 1;
	struct flight *f = malloc(sizeof *f + n);
	if (f == NULL)
		return NULL;
	char *at = (char *)(f + 1);
	for (size_t k = 0; k < TEXTS; k++)
		*texts[k] = keep(&at, *texts[k]);
	*f = (struct flight){ .item = i, .call = call, .began_t = t, .began_wall = wall.ns };
	return f;
}

static struct flight **
bucket(const struct outbox *b, int64_t seq)
{
	return (struct flight **)&b->flights[(uint64_t)seq & (OUTBOX_BUCKETS - 1)];
}

void
flight_add(struct outbox *b, struct flight *f)
{
	struct flight **at = bucket(b, f->item.seq);

	f->next = *at;
	*at = f;
	b->nflights++;
}

struct flight *
flight_find(const struct outbox *b, int64_t seq)
{
	struct flight *f = *bucket(b, seq);

	while (f != NULL && f->item.seq != seq)
		f = f->next;
	return f;
}

void
flight_remove(struct outbox *b, struct flight *f)
{
	struct flight **at = bucket(b, f->item.seq);

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	b->nflights--;
	free(f->said);
	free(f);
}

void
flights_orphan(struct outbox *b)
{
	for (size_t i = 0; i < OUTBOX_BUCKETS; i++)
		for (struct flight *f = b->flights[i]; f != NULL; f = f->next)
			f->orphan = true;
}

void
flights_free(struct outbox *b)
{
	for (size_t i = 0; i < OUTBOX_BUCKETS; i++)
		while (b->flights[i] != NULL) {
			struct flight *f = b->flights[i];
			if (f->group != NULL && --f->group->open == 0)
				free(f->group);
			flight_remove(b, f);
		}
}
