/* See pack.h. */
#include "spool/pack.h"

#include <zstd.h>

#include "base/err.h"

int
packer_init(struct packer *p)
{
	p->ctx = ZSTD_createCCtx();
	return p->ctx != NULL ? 0 : ERR_NOMEM;
}

void
packer_fini(struct packer *p)
{
	ZSTD_freeCCtx(p->ctx);
	p->ctx = NULL;
}

bool
pack_worthwhile(struct pack_memory *m, size_t len)
{
	if (len < PACK_LEN_MIN)
		return false;
	if (m->rest == 0)
		return true;
	m->rest--;
	return false;
}

size_t
pack(struct packer *p, struct pack_memory *m, const void *in, size_t len, void *out)
{
	size_t room = len - len / 10;

	/* It gives up as soon as the room is used up, so a miss costs less than a hit. */
	size_t n = ZSTD_compressCCtx(p->ctx, out, room, in, len, 1);
	if (!ZSTD_isError(n)) {
		m->misses = 0;
		return n;
	}
	if (m->misses < 8)
		m->misses++;
	m->rest = (uint16_t)(1u << m->misses);
	return 0;
}

int
unpacker_init(struct unpacker *u)
{
	u->ctx = ZSTD_createDCtx();
	return u->ctx != NULL ? 0 : ERR_NOMEM;
}

void
unpacker_fini(struct unpacker *u)
{
	ZSTD_freeDCtx(u->ctx);
	u->ctx = NULL;
}

int
unpack(struct unpacker *u, const void *in, size_t len, void *out, size_t raw_len)
{
	size_t n = ZSTD_decompressDCtx(u->ctx, out, raw_len, in, len);
	return ZSTD_isError(n) || n != raw_len ? ERR_CORRUPT : 0;
}
