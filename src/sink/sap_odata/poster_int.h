/* The inside of the poster: poster.c has the posts, poster_batch.c those that travel together, poster_ask.c the questions. */
#ifndef SAP_ODATA_POSTER_INT_H
#define SAP_ODATA_POSTER_INT_H

#include "sink/sap_odata/poster.h"

enum op_kind { OP_POST, OP_LOOKUP, OP_FOLLOW };

struct op_item {
	int64_t			 seq;
	const struct mapping	*mapping;
	struct message		 message;
	const char		*id;
	struct wall		 time, settled;
	bool			 decided;	/* it has its verdict */
};

struct op {
	struct op		*next, **at;
	struct poster		*poster;
	enum op_kind		 kind;
	struct arena		 arena;
	struct op_item		*items;		/* of a $batch several, else one */
	size_t			 n;
	struct buf		 body;		/* of a $batch */
	const char		*if_match;	/* of an update: the header, once its entity was read; in the arena */
	const char		*document;	/* and its number, from there */
};

/*
 * An op for n items, made into messages; items of which none can be made get their verdict at once and are left out. NULL: none is left. ERR_NOMEM is
 * fatal here as in every arena.
 */
struct op *op_new(struct poster *p, enum op_kind kind, const struct outbox_item *const *v, size_t n);
void op_free(struct op *op);
/* Verdict of one item; the op goes with its last one. */
void op_verdict(struct op *op, size_t i, const struct outbox_verdict *v);
/* The end of the op for those who have no verdict yet. */
void op_end(struct op *op, const struct outbox_verdict *v);
/* A success: read the document from the answer, or say why it cannot be known. */
void op_posted(struct op *op, size_t i, const struct sap_answer *a);
/* Send a post alone. */
void op_post_single(struct op *op);
/* Send the items of an op together; all are of one service. */
void op_post_batch(struct op *op);
/* Note an answer for the state, before it is judged. */
void poster_note(struct poster *p, const struct far_answer *a, const struct outbox_verdict *v);

/* poster_fill.c: an update reads its entity first, then goes with its ETag. Ends the op, or calls op_post_single() again with op->if_match. */
void op_read_to_fill(struct op *op);

/* poster_ask.c: how long after its posting something is looked at once more; 0: not. */
int64_t poster_follow_ns(struct poster *p, const struct op_item *it);
/* Two calls of struct outbox_poster. */
int post_lookup(void *arg, const struct outbox_item *item);
int post_follow(void *arg, const struct outbox_item *item);

#define POSTER_ACCEPT	"accept: application/json"
#define HEADER_TEXT	128u
#define ID_HEADERS	2u
/* The headers by which a far end may know a repeat; returns how many of v (HEADER_TEXT bytes each) were written. */
size_t poster_id_headers(const struct op *op, const struct op_item *it, char v[ID_HEADERS][HEADER_TEXT]);

/* In a line, where this item is looked up: noted when it is posted, compared when it is looked up. */
void poster_way(const struct poster *p, const struct op_item *it, char *out, size_t size);

#endif
