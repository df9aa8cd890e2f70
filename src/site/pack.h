/*
 * One codec for both directions: a pack either writes what a field holds or reads into it, so a struct has one function
 * that names its fields in order, and writer and reader cannot drift apart.
 */
#ifndef SITE_PACK_H
#define SITE_PACK_H

#include "base/buf.h"
#include "base/bytes.h"
#include "site/strings.h"

#define PACK_TEXT_MAX 65535u

struct pack {
	struct buf	*out;		/* writing, when not NULL */
	struct reader	 in;		/* reading */
	struct strings	 strings;	/* reading: where texts are kept */
};

static inline bool pack_writing(const struct pack *k) { return k->out != NULL; }
/* The first failure of either direction. */
static inline int pack_err(const struct pack *k) { return k->out != NULL ? k->out->err : k->in.err; }

void pack_u64(struct pack *k, uint64_t *v);
void pack_i64(struct pack *k, int64_t *v);
void pack_f64(struct pack *k, double *v);
void pack_bool(struct pack *k, bool *v);
/* A number below `limit`; reading a larger one is ERR_PROTO and gives 0. */
void pack_u32(struct pack *k, uint32_t *v, uint64_t limit);
/* NULL is written as "". same: texts that come again and again are kept once. */
void pack_text(struct pack *k, const char **v, bool same);
/* A count of things that take at least a byte each: reading more than can be there is ERR_LIMIT. */
void pack_count(struct pack *k, uint32_t *n, uint32_t max);

#endif
