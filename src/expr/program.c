/* What a compiled program tells about itself, and what of its state outlives the process. */
#include <stdio.h>
#include <string.h>

#include "expr/inside.h"
#include "model/status.h"

enum expr_type
expr_result_type(const struct expr *p)
{
	return p->type;
}

uint8_t
expr_value_type(const struct expr *p)
{
	static const uint8_t types[EXPR_TYPES] = { VALUE_BOOL, VALUE_I64, VALUE_F64, VALUE_TEXT, VALUE_TIME };

	return types[p->type];
}

const char *
expr_unit(const struct expr *p)
{
	return p->unit;
}

size_t
expr_inputs(const struct expr *p)
{
	return p->ntags;
}

const struct expr_tag *
expr_input(const struct expr *p, size_t i)
{
	return &p->tags[i];
}

bool
expr_uses_time(const struct expr *p)
{
	return p->uses_time;
}

bool
expr_has_state(const struct expr *p)
{
	return p->nspecs > 0;
}

int64_t
expr_period_ns(const struct expr *p)
{
	return p->period_ns;
}

uint64_t
expr_hash(const struct expr *p)
{
	return p->hash;
}

size_t
expr_state_size(const struct expr *p)
{
	return p->state_size;
}

void
expr_init(const struct expr *p, void *state)
{
	memset(state, 0, p->state_size);
	for (uint32_t i = 0; i < p->nspecs; i++)
		if (p->specs[i].window)
			window_init(&p->specs[i], (uint8_t *)state + p->specs[i].off);
}

void
expr_gap(const struct expr *p, void *state)
{
	const struct state_head *head = state;

	for (uint32_t i = 0; i < p->nspecs; i++) {
		void *s = (uint8_t *)state + p->specs[i].off;
		if (p->specs[i].window)
			window_gap(&p->specs[i], s, head->now_ns);
		else
			state_gap(&p->specs[i], s);
	}
}

/* The i-th spec with a key. */
static const struct spec *
kept(const struct expr *p, size_t i)
{
	for (uint32_t k = 0; k < p->nspecs; k++)
		if (p->specs[k].key != 0 && i-- == 0)
			return &p->specs[k];
	return NULL;
}

size_t
expr_keeps(const struct expr *p)
{
	size_t n = 0;

	while (kept(p, n) != NULL)
		n++;
	return n;
}

size_t
expr_keep(const struct expr *p, const void *state, size_t i, uint64_t *key, uint8_t *buf)
{
	const struct spec *s = kept(p, i);

	if (s == NULL || s->size > EXPR_KEEP_MAX)
		return 0;
	*key = s->key;
	memcpy(buf, (const uint8_t *)state + s->off, s->size);
	return s->size;
}

int
expr_restore(const struct expr *p, void *state, uint64_t key, const uint8_t *buf, size_t len)
{
	for (uint32_t i = 0; i < p->nspecs; i++)
		if (p->specs[i].key == key && key != 0 && p->specs[i].size == len) {
			memcpy((uint8_t *)state + p->specs[i].off, buf, len);
			return 0;
		}
	return ERR_NOTFOUND;
}

char *
expr_why_text(const struct expr *p, const struct expr_result *r, char *out, size_t size)
{
	static const char *const texts[EXPR_WHYS] = {
		[EXPR_WHY_NONE] = "good", [EXPR_WHY_INPUT] = "an input is not good",
		    [EXPR_WHY_WAITING] = "no sample has come yet",
		[EXPR_WHY_DIVIDE] = "division by zero", [EXPR_WHY_OVERFLOW] = "a number too large for its type",
		[EXPR_WHY_UNDEFINED] = "not a number", [EXPR_WHY_RANGE]
		    = "an argument outside of what the function takes",
		[EXPR_WHY_LONG] = "a text longer than 256 bytes",
		    [EXPR_WHY_EMPTY] = "nothing usable in the window or before",
		[EXPR_WHY_PARTLY] = "the window is not full, or holds samples that were not good",
		[EXPR_WHY_KEPT] = "kept from before, its input is bad now",
	};

	if ((r->why == EXPR_WHY_INPUT || r->why == EXPR_WHY_WAITING) && r->input < p->ntags)
		snprintf(out, size, "%s: %s, column %u", p->tags[r->input].name, r->why == EXPR_WHY_INPUT ?
		    status_text(r->status) :
		    texts[r->why], r->column);
	else if (r->why == EXPR_WHY_NONE)
		snprintf(out, size, "%s", status_text(r->status));
	else
		snprintf(out, size, "%s, column %u", texts[r->why], r->column);
	return out;
}
