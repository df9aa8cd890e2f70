/*
 * What a source asks of its link, before it runs: the same blocks as in the plant, laid out for counting.
 */
#include "driver/modbus/modbus.h"

#include <stdlib.h>

/* Characters that a block's request and reply take, silences aside. */
static double
block_chars(const struct mb_block *b)
{
	return 8 + 5 + (mb_table_bits(b->table) ? (b->count + 7) / 8 : 2 * b->count);
}

#define DEVICE_DELAY_NS (10 * NS_PER_MS)	/* what a unit on a line takes to think, assumed */

static void
load_class(const struct mb_link *l, const struct mb_src *s, const struct mb_class *c, double per_s, struct load_info
    *out)
{
	for (uint32_t i = c->blocks; i != MB_NONE; i = s->blocks[i].next) {
		double chars = block_chars(&s->blocks[i]);
		double ns = l->framing != MB_RTU ? (double)s->conf.round_trip_ns :
		    chars * (double)l->char_ns + 2 * (double)l->silence_ns + DEVICE_DELAY_NS;
		ns += (double)s->conf.request_gap_ns;
		out->requests_per_s += per_s;
		out->busy += per_s * ns / NS_PER_S / l->window;
		out->bytes_per_s += per_s * (l->framing == MB_TCP ? chars + 8 : chars);
	}
}

int
mb_load(enum mb_framing f, const struct source *s, struct arena *a, struct load_info *out)
{
	const struct link_sources v = { .v = &s, .n = 1 };
	struct mb_link *l = calloc(1, mb_size(&v));
	char rtt[DURATION_TEXT];

	if (l == NULL)
		return ERR_NOMEM;
	mb_open(f, l, &v, NULL);
	*out = (struct load_info){ 0 };
	for (uint32_t i = 0; i < s->nscans; i++)
		if (s->scans_ns[i] > 0)
			load_class(l, &l->src[0], &l->src[0].classes[i],
			    (double)NS_PER_S / (double)s->scans_ns[i], out);
	const struct mb_conf *c = &l->src[0].conf;
	if (f == MB_RTU)
		out->basis = arena_printf(a,
		    "%u blocks at %d baud, 11 bits a character, 3.5 characters of silence, 10 ms in the unit "
		    "for each request",
		    (unsigned)l->src[0].counts.blocks, c->baud);
	else
		out->basis = arena_printf(a, "%u blocks, a round trip of %s each, %u in flight",
		    (unsigned)l->src[0].counts.blocks, duration_format(c->round_trip_ns, rtt), l->window);
	free(l);
	return 0;
}
